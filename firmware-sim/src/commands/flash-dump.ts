import {
  APP_IMAGE_HEADER_SIZE,
  APP_IMAGE_MAGIC,
  type ChipName,
  chipById,
  isOtaError,
  OtaError,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionTable,
  PartitionType,
  parseAppImageHeader,
  parsePartitionTable,
} from "@tinybms/ota-core";
import type { FlashContents } from "../create-device.ts";
import { FLASH_SIZE_MAX } from "../flash/nor-flash.ts";

/** The smallest flash, in bytes. */
const FLASH_SIZE_MIN: number = 2 ** 20;

/**
 * A board that is what a whole flash holds, as `run --flash`, `flash` and `esptool read-flash 0 ALL` write it.
 *
 * @param file - Its name, for messages.
 * @param chip - Without one the chip of the first app that it holds, in the order of its table, or ESP32.
 * @param tableOffset - Where its partition table is, in bytes.
 * @throws OtaError `simulation/flash-invalid` for a size that no flash has; `image/partition-table-invalid` where there
 *   is no table.
 */
export function contentsOfFlash(
  file: string,
  flashDump: Uint8Array,
  chip: ChipName | undefined,
  tableOffset: number = PARTITION_TABLE_OFFSET,
): FlashContents {
  const { length: size } = flashDump;
  if (!(Number.isInteger(Math.log2(size)) && size >= FLASH_SIZE_MIN && size <= FLASH_SIZE_MAX)) {
    const message = `${file} is ${size} bytes, as no flash is; it must be a power of two from 1 MiB to 128 MiB`;
    const hint = "esptool read-flash 0 ALL reads a whole flash, and tinybms-sim flash makes one";
    throw new OtaError("simulation/flash-invalid", message, { file, size }, { hint });
  }
  const table = tableOf(file, flashDump, tableOffset);
  const place = tableOffset === PARTITION_TABLE_OFFSET ? {} : { tableOffset };
  return { flashDump, flashSizeBytes: size, chip: chip ?? chipOf(flashDump, table), ...place };
}

function tableOf(file: string, flash: Uint8Array, tableOffset: number): PartitionTable {
  try {
    return parsePartitionTable(flash.subarray(tableOffset, tableOffset + PARTITION_TABLE_SIZE));
  } catch (error) {
    if (!isOtaError(error, "image/partition-table-invalid")) throw error;
    const message = `${file} has no partition table at 0x${tableOffset.toString(16)}: ${error.message}`;
    const hint = `tinybms-ota inspect ${file} says what it is`;
    const offset = tableOffset + error.details.offset;
    throw new OtaError("image/partition-table-invalid", message, { offset }, { cause: error, hint });
  }
}

function chipOf(flash: Uint8Array, { entries }: PartitionTable): ChipName {
  for (const { type, offset } of entries) {
    const header = flash.subarray(offset, offset + APP_IMAGE_HEADER_SIZE);
    const isImage = header.length === APP_IMAGE_HEADER_SIZE && header[0] === APP_IMAGE_MAGIC;
    if (type !== PartitionType.APP || !isImage) continue;
    const chip = chipById(parseAppImageHeader(header).chipId);
    if (chip !== undefined) return chip.name;
  }
  return "esp32";
}
