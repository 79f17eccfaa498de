import {
  type AppDescriptor,
  type Chip,
  isOtaError,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionEntry,
  PartitionFlag,
  parsePartitionTable,
} from "@tinybms/ota-core";
import type { Hardware } from "../boot/boot-options.ts";
import type { BootOutcome } from "../boot/bootloader.ts";
import type { Efuse } from "../boot/efuse.ts";
import type { FlashReader } from "../flash/flash-reader.ts";
import type { NorFlash } from "../flash/nor-flash.ts";
import { EspErr } from "./esp-err.ts";

/** How the app was built; what it has in common with its bootloader need not agree with it. */
export interface AppOptions {
  /** `CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE`. */
  readonly rollback: boolean;
  /** `CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK`. */
  readonly antiRollback: boolean;
  /** `CONFIG_PARTITION_TABLE_OFFSET` in bytes. */
  readonly tableOffset: number;
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
}

/** An update under way (`ota_ops_entry_t`). */
export interface OtaHandle {
  readonly partition: EspPartition;
  /** Erase sectors as writing reaches them. */
  readonly needErase: boolean;
  /** Bytes written so far. */
  wroteSizeBytes: number;
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
 * @param options - How the app was built; rollback on, the rest off, by default.
 */
export function createAppContext(
  hardware: Hardware,
  outcome: BootOutcome & { readonly kind: "boots" },
  options: Partial<AppOptions> = {},
): AppContext {
  const { rollback = true, antiRollback = false, tableOffset = PARTITION_TABLE_OFFSET } = options;
  const { err, partitions } = loadPartitions(hardware.flash, tableOffset);
  return {
    flash: hardware.flash,
    efuse: hardware.efuse,
    chip: hardware.chip,
    options: { rollback: rollback || antiRollback, antiRollback, tableOffset },
    partitions,
    partitionsErr: err,
    running: { offset: outcome.partition.offset, descriptor: outcome.image.descriptor },
    otaHandles: new Map(),
    lastOtaHandle: 0,
  };
}

/**
 * The partition table as `esp_partition/partition.c:load_partitions` takes it, with `CONFIG_PARTITION_TABLE_MD5` on as it
 * is by default: unlike the bootloader, the app insists on the MD5.
 */
function loadPartitions(flash: FlashReader, tableOffset: number): { err: number; partitions: readonly EspPartition[] } {
  try {
    const table = parsePartitionTable(flash.read(tableOffset, PARTITION_TABLE_SIZE));
    if (table.md5 === "valid") return { err: EspErr.ESP_OK, partitions: table.entries.map(toEspPartition) };
    const err = table.md5 === "absent" ? EspErr.ESP_ERR_NOT_FOUND : EspErr.ESP_ERR_INVALID_STATE;
    return { err, partitions: [] };
  } catch (error) {
    // Only a table changed since the start gets here: the bootloader has read this one.
    if (isOtaError(error)) return { err: EspErr.ESP_ERR_INVALID_STATE, partitions: [] };
    throw error;
  }
}

function toEspPartition(entry: PartitionEntry): EspPartition {
  const { type, subtype, offset, size, label, flags } = entry;
  return { type, subtype, address: offset, size, label, readonly: (flags & PartitionFlag.READONLY) !== 0 };
}
