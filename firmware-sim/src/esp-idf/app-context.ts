import { isOtaError } from "@tinybms/ota-core";
import {
  type AppDescriptor,
  type Chip,
  DataSubtype,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionEntry,
  PartitionFlag,
  PartitionType,
  parsePartitionTable,
} from "@tinybms/ota-core/esp";
import type { Hardware } from "../boot/boot-options.ts";
import type { BootOutcome } from "../boot/bootloader.ts";
import type { Efuse } from "../boot/efuse.ts";
import { flashViewOf } from "../boot/flash-view.ts";
import type { SignedApps } from "../boot/secure-boot-v2.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import type { NorFlash } from "../flash/nor-flash.ts";
import { type IdfRelease, matchIdfRelease } from "../idf-release/idf-release.ts";

/** How the app was built; what it has in common with its bootloader need not agree with it. */
export interface AppOptions {
  /** The release of ESP-IDF that it was built with. */
  readonly idf: IdfRelease;
  /** `CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE`. */
  readonly rollback: boolean;
  /** `CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK`. */
  readonly antiRollback: boolean;
  /** `CONFIG_PARTITION_TABLE_OFFSET` in bytes. */
  readonly tableOffset: number;
  /**
   * Signatures are asked for: by `CONFIG_SECURE_BOOT_V2_ENABLED`, or without secure boot in the eFuses by
   * `CONFIG_SECURE_SIGNED_APPS_NO_SECURE_BOOT`. Not asked for without it.
   */
  readonly signedApps?: SignedApps | undefined;
}

/** What of an app's build its bootloader's says nothing about. Plain data. */
export interface AppBuild {
  /** The release of ESP-IDF; the one that the running image's descriptor names, or the nearest known, without it. */
  readonly idf?: IdfRelease | undefined;
  /** `CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE`; as the bootloader's without it. */
  readonly rollback?: boolean | undefined;
}

/** A partition as the app sees it (`esp_partition_t`). */
export interface EspPartition {
  readonly type: number;
  readonly subtype: number;
  /** Where it begins in flash, in bytes. */
  readonly address: number;
  /** Its size in bytes. */
  readonly size: number;
  readonly label: string;
  readonly readonly: boolean;
  /** Read and written through flash encryption: only where that is on. */
  readonly encrypted: boolean;
}

/** An update under way (`ota_ops_entry_t`). */
export interface OtaHandle {
  /** Where it is written: the staging partition. */
  readonly partition: EspPartition;
  /** Erase sectors as writing reaches them. */
  readonly needErase: boolean;
  /** Began by `esp_ota_resume`. */
  readonly resumed: boolean;
  /** Whose type decides what is checked, and where it is copied to at the end if `copies`; the staging one at first. */
  final: { readonly partition: EspPartition; readonly copies: boolean };
  /** Bytes written so far. */
  wroteSizeBytes: number;
  /** With flash encryption, bytes of a block that isn't whole yet; the first `partialSize` count. */
  readonly partial: Uint8Array;
  partialSize: number;
}

/**
 * A running app: the hardware under it, and what ESP-IDF keeps in RAM for it. Gone with the next reset; a new one is
 * made from each {@link BootOutcome}.
 */
export interface AppContext {
  readonly flash: NorFlash;
  readonly efuse: Efuse;
  readonly chip: Chip;
  readonly options: AppOptions;
  /** The partition table as the app loaded it; empty where it could not. */
  readonly partitions: readonly EspPartition[];
  /** ESP_OK, 0x105 if the table has no MD5, 0x103 if that is wrong. */
  readonly partitionsErr: number;
  /** What the bootloader really started, whatever otadata says. */
  readonly running: {
    /** Where it begins in flash, in bytes. */
    readonly offset: number;
    /** Its length with checksum and hash, in bytes; a signature sector begins at the next multiple of 4096. */
    readonly imageSizeBytes: number;
    readonly descriptor: AppDescriptor | undefined;
  };
  /** Updates begun and not ended, by their handle (`s_ota_ops_entries_head`). */
  readonly otaHandles: Map<number, OtaHandle>;
  /** The handle given out last; the first is 1. */
  lastOtaHandle: number;
}

/**
 * Starts an app: what ESP-IDF's start-up code leaves for it.
 *
 * @param hardware - The hardware that booted.
 * @param outcome - The start that led here.
 * @param options - How the app was built. By default rollback is on, the rest off, and the release the one that the
 *   image's descriptor names, or the nearest that is known.
 */
export function createAppContext(
  hardware: Hardware,
  outcome: BootOutcome & { readonly kind: "boots" },
  options: Partial<AppOptions> = {},
): AppContext {
  const { rollback = true, antiRollback = false, tableOffset = PARTITION_TABLE_OFFSET, signedApps } = options;
  const { descriptor } = outcome.image;
  const { idf = matchIdfRelease(descriptor?.idfVersion).release } = options;
  const { err, partitions } = loadPartitions(hardware, tableOffset);
  return {
    flash: hardware.flash,
    efuse: hardware.efuse,
    chip: hardware.chip,
    options: { idf, rollback: rollback || antiRollback, antiRollback, tableOffset, signedApps },
    partitions,
    partitionsErr: err,
    running: { offset: outcome.partition.offset, imageSizeBytes: outcome.image.imageSizeBytes, descriptor },
    otaHandles: new Map(),
    lastOtaHandle: 0,
  };
}

/**
 * The partition table as `esp_partition/partition.c:load_partitions` takes it, with `CONFIG_PARTITION_TABLE_MD5` on as it
 * is by default: unlike the bootloader, the app insists on the MD5.
 */
function loadPartitions(hardware: Hardware, tableOffset: number): { err: number; partitions: readonly EspPartition[] } {
  try {
    const table = parsePartitionTable(flashViewOf(hardware).read(tableOffset, PARTITION_TABLE_SIZE));
    const isEncrypted = hardware.efuse.flashEncryptionKey !== undefined;
    if (table.md5 === "valid") {
      return { err: EspErr.ESP_OK, partitions: table.entries.map((entry) => toEspPartition(entry, isEncrypted)) };
    }
    const err = table.md5 === "absent" ? EspErr.ESP_ERR_NOT_FOUND : EspErr.ESP_ERR_INVALID_STATE;
    return { err, partitions: [] };
  } catch (error) {
    // Only a table changed since the start gets here: the bootloader has read this one.
    if (isOtaError(error)) return { err: EspErr.ESP_ERR_INVALID_STATE, partitions: [] };
    throw error;
  }
}

function toEspPartition(entry: PartitionEntry, isFlashEncrypted: boolean): EspPartition {
  const { type, subtype, offset, size, label, flags } = entry;
  const readonly = (flags & PartitionFlag.READONLY) !== 0;
  return { type, subtype, address: offset, size, label, readonly, encrypted: isFlashEncrypted && isSecret(entry) };
}

/** What flash encryption covers: all that boots, the keys of NVS, and what the table marks. */
function isSecret({ type, subtype, flags }: PartitionEntry): boolean {
  if ((flags & PartitionFlag.ENCRYPTED) !== 0) return true;
  if (type !== PartitionType.DATA) return type <= PartitionType.PARTITION_TABLE;
  return subtype === DataSubtype.OTA || subtype === DataSubtype.TEE_OTA || subtype === DataSubtype.NVS_KEYS;
}
