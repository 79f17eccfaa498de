import { isOtaError, OtaError } from "@tinybms/ota-core";
import {
  APP_IMAGE_HEADER_SIZE,
  APP_IMAGE_MAGIC,
  type ChipName,
  chipById,
  chipByName,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionTable,
  PartitionType,
  parseAppImageHeader,
  parsePartitionTable,
} from "@tinybms/ota-core/esp";
import type { Hardware } from "../boot/boot-options.ts";
import { Efuse } from "../boot/efuse.ts";
import { FLASH_SIZE_MAX, NorFlash } from "../flash/nor-flash.ts";
import type { FlashContents } from "./create-device.ts";
import { partitionsOf } from "./device-partitions.ts";

/** Size of the smallest flash, in bytes. */
const FLASH_SIZE_MIN: number = 2 ** 20;

/**
 * Returns the contents of a board from a dump of its whole flash, as `run --flash`, `flash` and
 * `esptool read-flash 0 ALL` write it.
 *
 * @param file - Name of the file, for messages.
 * @param chip - By default the chip of the first app in the partition table, or ESP32.
 * @param tableOffset - Offset of the partition table, in bytes.
 * @throws {@link OtaError} `simulation/flash-invalid` for an invalid flash size; `image/partition-table-invalid` without a
 *   valid table.
 */
export function contentsOfFlash(
  file: string,
  flashDump: Uint8Array,
  chip: ChipName | undefined,
  tableOffset: number = PARTITION_TABLE_OFFSET,
): FlashContents {
  assertFlashSize(file, flashDump);
  const table = tableOf(file, flashDump, tableOffset);
  return { flashDump, flashSizeBytes: flashDump.length, chip: chip ?? chipOf(flashDump, table), tableOffset };
}

/**
 * Returns a board with a dump as its flash. The flash may have any content, or be blank.
 *
 * @param chip - Default as in {@link contentsOfFlash}.
 * @throws {@link OtaError} `simulation/flash-invalid`.
 */
export function boardOfFlash(file: string, flashDump: Uint8Array, chip: ChipName | undefined): Hardware {
  assertFlashSize(file, flashDump);
  const flash = new NorFlash(flashDump.length);
  flash.load(0, flashDump);
  const found = chipByName(chip ?? chipOf(flashDump, { entries: partitionsOf(flash) }));
  if (found === undefined) throw new RangeError(`no chip is called ${chip}`);
  return { flash, chip: found, efuse: new Efuse(found) };
}

function assertFlashSize(file: string, { length: size }: Uint8Array): void {
  if (Number.isInteger(Math.log2(size)) && size >= FLASH_SIZE_MIN && size <= FLASH_SIZE_MAX) return;
  const message = `${file} has ${size} bytes; the size of a flash must be a power of two from 1 MiB to 128 MiB`;
  const hint = "read a whole flash with esptool read-flash 0 ALL, or build one with tinybms-sim flash";
  throw new OtaError("simulation/flash-invalid", message, { file, size }, { hint });
}

function tableOf(file: string, flash: Uint8Array, tableOffset: number): PartitionTable {
  try {
    return parsePartitionTable(flash.subarray(tableOffset, tableOffset + PARTITION_TABLE_SIZE));
  } catch (error) {
    if (!isOtaError(error, "image/partition-table-invalid")) throw error;
    const message = `${file} has no partition table at 0x${tableOffset.toString(16)}: ${error.message}`;
    const hint = `use tinybms-ota inspect ${file} to see what the file is`;
    const offset = tableOffset + error.details.offset;
    throw new OtaError("image/partition-table-invalid", message, { offset }, { cause: error, hint });
  }
}

function chipOf(flash: Uint8Array, { entries }: Pick<PartitionTable, "entries">): ChipName {
  for (const { type, offset } of entries) {
    const header = flash.subarray(offset, offset + APP_IMAGE_HEADER_SIZE);
    const isImage = header.length === APP_IMAGE_HEADER_SIZE && header[0] === APP_IMAGE_MAGIC;
    if (type !== PartitionType.APP || !isImage) continue;
    const chip = chipById(parseAppImageHeader(header).chipId);
    if (chip !== undefined) return chip.name;
  }
  return "esp32";
}
