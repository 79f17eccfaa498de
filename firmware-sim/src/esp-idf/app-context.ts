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
import type { FlashReader } from "../flash/flash-reader.ts";
import type { NorFlash } from "../flash/nor-flash.ts";
import { type IdfRelease, matchIdfRelease } from "../idf-release/idf-release.ts";

/** Build options of the app. Options that the bootloader also has may differ from the bootloader's. */
export interface AppOptions {
  /** Release of ESP-IDF that the app was built with. */
  readonly idf: IdfRelease;
  /** `CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE`. */
  readonly rollback: boolean;
  /** `CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK`. */
  readonly antiRollback: boolean;
  /** `CONFIG_PARTITION_TABLE_OFFSET`, in bytes. */
  readonly tableOffset: number;
  /**
   * Signatures that the app requires of an update: `CONFIG_SECURE_BOOT_V2_ENABLED`, or, without secure boot in the eFuses,
   * `CONFIG_SECURE_SIGNED_APPS_NO_SECURE_BOOT`. If `undefined`, no signature is required.
   */
  readonly signedApps?: SignedApps | undefined;
}

/** Options of {@link createAppContext}: all members are optional. */
export type AppOptionsInput = { readonly [Name in keyof AppOptions]?: AppOptions[Name] | undefined };

/** Build options of an app that may differ from its bootloader's. Plain data. */
export interface AppBuild {
  /** Release of ESP-IDF; by default the one in the running image's descriptor, or the nearest known release. */
  readonly idf?: IdfRelease | undefined;
  /** `CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE`; by default as in the bootloader. */
  readonly rollback?: boolean | undefined;
}

/** A partition as the app sees it (`esp_partition_t`). */
export interface EspPartition {
  readonly type: number;
  readonly subtype: number;
  /** Offset in the flash, in bytes. */
  readonly address: number;
  /** Size in bytes. */
  readonly size: number;
  readonly label: string;
  readonly readonly: boolean;
  /** Whether it is read and written through flash encryption. `false` if encryption is off. */
  readonly encrypted: boolean;
}

/** An update in progress (`ota_ops_entry_t`). */
export interface OtaHandle {
  /** Partition that the update is written to: the staging partition. */
  readonly partition: EspPartition;
  /** Whether each sector is erased when writing reaches it. */
  readonly needErase: boolean;
  /** Whether `esp_ota_resume` opened it. */
  readonly resumed: boolean;
  /**
   * Final partition: its type decides what is checked, and the update is copied to it at the end if `copies`. The staging
   * partition until `esp_ota_set_final_partition`.
   */
  final: { readonly partition: EspPartition; readonly copies: boolean };
  /** Bytes written so far. */
  wroteSizeBytes: number;
  /** With flash encryption, the bytes of an incomplete block; only the first `partialSize` are valid. */
  readonly partial: Uint8Array;
  partialSize: number;
}

/**
 * A running app: its hardware, and what ESP-IDF keeps in RAM for it. Lasts until the next reset; each {@link BootOutcome}
 * needs a new one.
 */
export interface AppContext {
  readonly flash: NorFlash;
  readonly efuse: Efuse;
  readonly chip: Chip;
  readonly options: AppOptions;
  /** The partition table as the app loaded it; empty if loading failed. */
  readonly partitions: readonly EspPartition[];
  /** ESP_OK, 0x105 if the table has no MD5, 0x103 if the MD5 is wrong. */
  readonly partitionsErr: number;
  /** The image that the bootloader started, which may differ from the one that otadata selects. */
  readonly running: {
    /** Offset in the flash, in bytes. */
    readonly offset: number;
    /** Length with checksum and hash, in bytes. A signature sector begins at the next multiple of 4096. */
    readonly imageSizeBytes: number;
    readonly descriptor: AppDescriptor | undefined;
  };
  /** Open updates by handle (`s_ota_ops_entries_head`). */
  readonly otaHandles: Map<number, OtaHandle>;
  /** The last handle that was opened; the first is 1. */
  lastOtaHandle: number;
}

/**
 * Creates the context that ESP-IDF's start-up code leaves for an app.
 *
 * @param hardware - Hardware that booted.
 * @param outcome - Result of the boot.
 * @param options - Build options of the app. By default rollback is on and all else off; the release is the one in the
 *   image's descriptor, or the nearest known release.
 */
export function createAppContext(
  hardware: Hardware,
  outcome: BootOutcome & { readonly kind: "boots" },
  options: AppOptionsInput = {},
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

interface LoadedPartitions {
  readonly err: number;
  readonly partitions: readonly EspPartition[];
}

/**
 * Loads the partition table as `esp_partition/partition.c:load_partitions` does with `CONFIG_PARTITION_TABLE_MD5`, the
 * default. Unlike the bootloader, the app requires the MD5.
 */
function loadPartitions(hardware: Hardware, tableOffset: number): LoadedPartitions {
  const flash = flashViewOf(hardware);
  const isEncrypted = hardware.efuse.flashEncryptionKey !== undefined;
  const read = (reader: FlashReader) => readPartitions(reader, tableOffset, isEncrypted);
  return flash.remember?.(`partitions ${tableOffset}`, read) ?? read(flash);
}

function readPartitions(flash: FlashReader, tableOffset: number, isEncrypted: boolean): LoadedPartitions {
  try {
    const table = parsePartitionTable(flash.read(tableOffset, PARTITION_TABLE_SIZE));
    if (table.md5 === "valid") {
      return { err: EspErr.ESP_OK, partitions: table.entries.map((entry) => toEspPartition(entry, isEncrypted)) };
    }
    const err = table.md5 === "absent" ? EspErr.ESP_ERR_NOT_FOUND : EspErr.ESP_ERR_INVALID_STATE;
    return { err, partitions: [] };
  } catch (error) {
    // The bootloader parsed this table, so it fails only if it changed since the start.
    if (isOtaError(error)) return { err: EspErr.ESP_ERR_INVALID_STATE, partitions: [] };
    throw error;
  }
}

function toEspPartition(entry: PartitionEntry, isFlashEncrypted: boolean): EspPartition {
  const { type, subtype, offset, size, label, flags } = entry;
  const readonly = (flags & PartitionFlag.READONLY) !== 0;
  return { type, subtype, address: offset, size, label, readonly, encrypted: isFlashEncrypted && isSecret(entry) };
}

/** Returns whether flash encryption covers a partition: bootable images, otadata, NVS keys, and marked partitions. */
function isSecret({ type, subtype, flags }: PartitionEntry): boolean {
  if ((flags & PartitionFlag.ENCRYPTED) !== 0) return true;
  if (type !== PartitionType.DATA) return type <= PartitionType.PARTITION_TABLE;
  return subtype === DataSubtype.OTA || subtype === DataSubtype.TEE_OTA || subtype === DataSubtype.NVS_KEYS;
}
