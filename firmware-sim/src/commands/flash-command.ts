import type { CommandOutput } from "@tinybms/cli-kit/output";
import { isOtaError, OtaError, sha256, toHex } from "@tinybms/ota-core";
import type { ChipName } from "@tinybms/ota-core/esp";
import {
  assertAppImage,
  buildPartitionTable,
  type Chip,
  chipById,
  chipByName,
  isBinaryPartitionTable,
  type PartitionTable,
  parseAppImage,
  parsePartitionCsv,
  parsePartitionFile,
  TWO_OTA_LARGE_PARTITION_CSV,
  verifyAppImage,
  withFlashSettings,
} from "@tinybms/ota-core/esp";
import { writeFileAtomically } from "@tinybms/ota-core/node";
import { unwritable } from "../device/flash-file.ts";
import { FLASH_SIZE_MAX } from "../flash/nor-flash.ts";
import { type FlashInput, layOutFlash, mergeParts } from "./flash-layout.ts";
import { csvOptionsOf, readInput } from "./run-inputs.ts";

/** Options of `tinybms-sim flash`. */
export interface FlashOptions {
  readonly output: string;
  readonly app: string;
  readonly partitionTable?: string;
  /** Flash offset of the partition table, in bytes. */
  readonly partitionTableOffset?: number;
  readonly bootloader?: string;
  readonly nvs?: string;
  /** Contents of other partitions, each `LABEL=FILE`. */
  readonly partition?: readonly string[];
  readonly chip?: ChipName;
  /** Size of the flash in bytes. */
  readonly flashSize?: number;
}

/** Minimum of the default flash size, in bytes. */
const FLASH_SIZE_DEFAULT: number = 4 * 2 ** 20;

/**
 * Runs `tinybms-sim flash`: builds a flash image from its parts, with the same bytes as `esptool merge-bin`.
 *
 * @returns Exit code 0.
 * @throws {@link OtaError} for files that can't be read or written, have the wrong format, or don't fit.
 */
export async function flash(options: FlashOptions, output: CommandOutput): Promise<number> {
  const app = await readPart(options.app);
  const appImage = about(app, () => {
    const image = parseAppImage(app.bytes);
    verifyAppImage(image);
    assertAppImage(image);
    return image;
  });
  const chip = chipOf(options, appImage.header.chipId);
  const { table, tableBytes } = await readTable(options, chip);
  const sizeBytes = options.flashSize ?? sizeFor(table);
  assertTableFits(table, sizeBytes);
  const bootloader = await readBootloader(options, chip);
  const nvs = options.nvs === undefined ? undefined : await readPart(options.nvs);
  const partitions = await Promise.all((options.partition ?? []).map(readLabelled));
  const parts = layOutFlash({
    tableOffset: options.partitionTableOffset,
    chip,
    table,
    tableBytes,
    bootloader,
    app,
    nvs,
    partitions,
  });
  const image = mergeParts(parts, sizeBytes);
  await writeFileAtomically(options.output, image).catch((cause: unknown) => {
    throw unwritable(options.output, cause);
  });
  if (bootloader === undefined) output.note("without --bootloader, only a simulated device starts from this flash");
  const rows = parts.map(({ name, offset, bytes, file }) => ({ name, offset, size: bytes.length, file }));
  output.printJson({
    output: options.output,
    chip: chip.name,
    size: sizeBytes,
    sha256: toHex(sha256(image)),
    parts: rows,
  });
  for (const { name, offset, size, file } of rows) {
    output.print(`0x${offset.toString(16).padStart(6, "0")}  ${String(size).padStart(8)}  ${name}  ${file}`);
  }
  output.print(`${options.output}: ${chip.name}, ${sizeBytes / 2 ** 20} MiB`);
  return 0;
}

async function readPart(file: string): Promise<FlashInput> {
  return { file, bytes: await readInput(file) };
}

async function readLabelled(option: string): Promise<FlashInput & { label: string }> {
  const end = option.indexOf("=");
  if (end > 0) return { label: option.slice(0, end), ...(await readPart(option.slice(end + 1))) };
  const message = `--partition is ${JSON.stringify(option)}; it must be LABEL=FILE`;
  throw new OtaError("arguments/invalid", message, { option: "--partition" });
}

function chipOf({ app, chip: name }: FlashOptions, chipId: number): Chip {
  const found = chipById(chipId);
  const chip = name === undefined ? found : chipByName(name);
  if (chip !== undefined && (found === undefined || found === chip)) return chip;
  const id = `0x${chipId.toString(16).padStart(4, "0")}`;
  const is = found === undefined ? `for an unknown chip (ID ${id})` : `for ${found.name}`;
  const message = `${app} is ${is}${name === undefined ? "" : `, and --chip is ${name}`}`;
  throw new OtaError("image/wrong-chip", message, { offset: 12 });
}

/** Reads the partition table. A binary table keeps its bytes. */
async function readTable(
  { partitionTable: file, partitionTableOffset: tableOffset }: FlashOptions,
  chip: Chip,
): Promise<{ table: PartitionTable; tableBytes: FlashInput }> {
  const places = { ...csvOptionsOf(chip.name), tableOffset };
  if (file === undefined) {
    const table = parsePartitionCsv(TWO_OTA_LARGE_PARTITION_CSV, places);
    return { table, tableBytes: { file: "two_ota_large", bytes: buildPartitionTable(table) } };
  }
  const input = await readPart(file);
  const table = about(input, () => parsePartitionFile(input.bytes, places));
  return {
    table,
    tableBytes: isBinaryPartitionTable(input.bytes) ? input : { file, bytes: buildPartitionTable(table) },
  };
}

/** Returns the size of the smallest flash, at least 4 MiB, that holds every partition. */
function sizeFor({ entries }: PartitionTable): number {
  const end = Math.max(FLASH_SIZE_DEFAULT, ...entries.map(({ offset, size }) => offset + size));
  return Math.min(2 ** Math.ceil(Math.log2(end)), FLASH_SIZE_MAX);
}

function assertTableFits({ entries }: PartitionTable, limit: number): void {
  const beyond = entries.find(({ offset, size }) => offset + size > limit);
  if (beyond === undefined) return;
  const { label, offset, size } = beyond;
  const message = `partition ${label} ends at 0x${(offset + size).toString(16)}, beyond the end of the flash at 0x${limit.toString(16)}`;
  throw new OtaError("simulation/does-not-fit", message, { partition: label, size: offset + size, limit });
}

async function readBootloader(
  { bootloader: file, flashSize }: FlashOptions,
  chip: Chip,
): Promise<FlashInput | undefined> {
  if (file === undefined) return undefined;
  const input = await readPart(file);
  const image = about(input, () => {
    const parsed = parseAppImage(input.bytes);
    verifyAppImage(parsed);
    return parsed;
  });
  if (image.header.chipId !== chip.id) {
    const found = chipById(image.header.chipId)?.name ?? `chip id ${image.header.chipId}`;
    throw new OtaError("image/wrong-chip", `${file} is for ${found}, but the app is for ${chip.name}`, { offset: 12 });
  }
  if (flashSize === undefined) return input;
  return { file, bytes: withFlashSettings(input.bytes, { size: Math.log2(flashSize / 2 ** 20) }) };
}

/** Runs `parse`, and adds the file name to its errors. */
function about<Result>({ file }: FlashInput, parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    if (!isOtaError(error)) throw error;
    const { code, message, details, hint } = error;
    throw new OtaError(code, `${file}: ${message}`, details, { cause: error, hint });
  }
}
