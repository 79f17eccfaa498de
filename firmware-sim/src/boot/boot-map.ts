import { isOtaError } from "@tinybms/ota-core";
import {
  APP_IMAGE_HEADER_SIZE,
  APP_IMAGE_MAGIC,
  AppSubtype,
  type Chip,
  DataSubtype,
  PARTITION_TABLE_SIZE,
  type PartitionEntry,
  PartitionType,
  parseAppImageHeader,
  parsePartitionTable,
} from "@tinybms/ota-core/esp";
import { EspErr } from "../esp-err/esp-err.ts";
import type { FlashReader } from "../flash/flash-reader.ts";

/** The bootloader's view of a partition table (`bootloader_state_t`). */
export interface BootMap {
  /** The whole table, in order. */
  readonly entries: readonly PartitionEntry[];
  readonly factory: PartitionEntry | undefined;
  readonly test: PartitionEntry | undefined;
  readonly otadata: PartitionEntry | undefined;
  /** OTA slots by number; a number without a partition is `undefined`. */
  readonly slots: readonly (PartitionEntry | undefined)[];
  /**
   * Number of OTA entries. Gaps are not closed and duplicates count twice: with `ota_0` and `ota_2` it is 2, slot 1 is
   * empty, and slot 2 is never tried.
   */
  readonly appCount: number;
}

/** A valid table, or ESP-IDF's error number and log line. */
export type BootMapResult =
  | { readonly kind: "loaded"; readonly map: BootMap }
  | { readonly kind: "rejected"; readonly err: number; readonly reason: string };

/**
 * Loads and verifies the partition table as the bootloader does (`esp_partition_table_verify`, then
 * `bootloader_utility_load_partition_table`). Checks the MD5 if there is one, and that each partition lies within the
 * flash size in the bootloader image's header. Of two partitions of the same kind, the last one is used.
 *
 * @param chip - Gives the offset of the bootloader image.
 * @param tableOffset - `CONFIG_PARTITION_TABLE_OFFSET`, in bytes.
 * @returns Error 0x104 if a partition exceeds the flash, 0x103 for any other fault.
 */
export function loadBootMap(flash: FlashReader, chip: Chip, tableOffset: number): BootMapResult {
  const read = (reader: FlashReader) => readBootMap(reader, chip, tableOffset);
  return flash.remember?.(`bootMap ${chip.bootloaderOffset} ${tableOffset}`, read) ?? read(flash);
}

function readBootMap(flash: FlashReader, chip: Chip, tableOffset: number): BootMapResult {
  let table: ReturnType<typeof parsePartitionTable>;
  try {
    table = parsePartitionTable(flash.read(tableOffset, PARTITION_TABLE_SIZE));
  } catch (error) {
    if (isOtaError(error)) return { kind: "rejected", err: EspErr.ESP_ERR_INVALID_STATE, reason: error.message };
    throw error;
  }
  const chipSize = flashSizeOf(flash, chip);
  const beyond = table.entries.findIndex(({ offset, size }) => offset > chipSize || size > chipSize - offset);
  const outside = table.entries[beyond];
  if (outside !== undefined) {
    const place = `offset 0x${outside.offset.toString(16)} size 0x${outside.size.toString(16)}`;
    const reason = `partition ${beyond} invalid - ${place} exceeds flash chip size 0x${chipSize.toString(16)}`;
    return { kind: "rejected", err: EspErr.ESP_ERR_INVALID_SIZE, reason };
  }
  if (table.md5 === "mismatch") {
    return { kind: "rejected", err: EspErr.ESP_ERR_INVALID_STATE, reason: "Incorrect MD5 checksum" };
  }
  return { kind: "loaded", map: mapOf(table.entries) };
}

function mapOf(entries: readonly PartitionEntry[]): BootMap {
  const slots: (PartitionEntry | undefined)[] = [];
  const last = (type: number, subtype: number) =>
    entries.findLast((entry) => entry.type === type && entry.subtype === subtype && entry.offset !== 0);
  const otaSlots = entries.filter(
    ({ type, subtype }) => type === PartitionType.APP && (subtype & 0xf0) === AppSubtype.OTA_0,
  );
  for (const slot of otaSlots) slots[slot.subtype & 0x0f] = slot;
  return {
    entries,
    factory: last(PartitionType.APP, AppSubtype.FACTORY),
    test: last(PartitionType.APP, AppSubtype.TEST),
    otadata: last(PartitionType.DATA, DataSubtype.OTA),
    slots,
    appCount: otaSlots.length,
  };
}

/**
 * Returns the flash size in the bootloader image's header, in bytes; the size of the flash itself if there is no
 * bootloader or the header has no valid size.
 */
export function flashSizeOf(flash: FlashReader, chip: Chip): number {
  const header = flash.read(chip.bootloaderOffset, APP_IMAGE_HEADER_SIZE);
  if (header[0] !== APP_IMAGE_MAGIC) return flash.sizeBytes;
  const { spiSize } = parseAppImageHeader(header);
  return spiSize <= 7 ? 2 ** (20 + spiSize) : flash.sizeBytes;
}
