import { OtaError } from "@tinybms/ota-core";
import {
  type Chip,
  chipByName,
  type FlashInspection,
  inspectImage,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionEntry,
  parsePartitionTable,
} from "@tinybms/ota-core/esp";
import type { FlashContents } from "../device/create-device.ts";
import { contentsOfFlash } from "../device/flash-dump.ts";
import { foreignDump } from "./foreign-dump.ts";
import type { TwinReason } from "./reason.ts";

/** A real board, read from its flash dump. */
export interface DumpedBoard {
  /** Name of the dump, for messages. */
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly chip: Chip;
  /** Offset of the partition table, in bytes. */
  readonly tableOffset: number;
  readonly entries: readonly PartitionEntry[];
  readonly inspection: FlashInspection;
  /** Flash contents for the simulator, without eFuses. */
  readonly contents: FlashContents;
  /** Reasons why the dump allows no verdict. */
  readonly doubts: readonly TwinReason[];
}

/**
 * Reads a flash dump of a board, as `esptool read-flash 0 ALL` writes it.
 *
 * @param file - Name of the dump, for messages.
 * @throws {@link OtaError} `image/…` for a file of another kind or an invalid partition table; `simulation/flash-invalid`
 *   for an invalid flash size, or a dump that does not begin at offset 0.
 */
export function readBoard(file: string, bytes: Uint8Array): DumpedBoard {
  const inspection = inspectImage(bytes);
  if (inspection.type !== "flash") throw foreignDump(file, bytes, inspection);
  if (inspection.startsAt > 0) {
    const place = `0x${inspection.startsAt.toString(16)}`;
    const message = `${file} begins at ${place} of the flash; a dump must begin at 0x0`;
    const hint = "esptool read-flash 0 ALL reads a whole flash";
    throw new OtaError("simulation/flash-invalid", message, { file, size: bytes.length }, { hint });
  }
  const tableOffset = tableOffsetOf(inspection);
  const name = inspection.bootloader?.chip ?? undefined;
  const contents = contentsOfFlash(file, bytes, name, tableOffset);
  const { partitionTable } = inspection;
  const [problem] = partitionTable?.problems ?? [];
  if (problem !== undefined) {
    const offset = tableOffset + (problem.offset ?? 0);
    const message = `${file}: the partition table at 0x${tableOffset.toString(16)} is invalid: ${problem.message}`;
    throw new OtaError("image/partition-table-invalid", message, { offset });
  }
  const { entries } = parsePartitionTable(bytes.subarray(tableOffset, tableOffset + PARTITION_TABLE_SIZE));
  const chip = chipByName(contents.chip ?? "esp32");
  if (chip === undefined) throw new RangeError(`no chip is called ${contents.chip}`);
  return { file, bytes, chip, tableOffset, entries, inspection, contents, doubts: doubtsOf(inspection) };
}

/**
 * Returns the offset at which the bootloader looks for its partition table. A table at another offset than 0x8000 counts
 * only if it lies after the bootloader and before all of its partitions: a flash may hold remains of earlier tables.
 */
function tableOffsetOf({
  partitionTableOffset: found,
  bootloader,
  bootloaderOffset,
  partitions,
}: FlashInspection): number {
  if (found === null || bootloader === null) return PARTITION_TABLE_OFFSET;
  const bootloaderEnd = (bootloaderOffset ?? 0) + (bootloader.imageSize ?? bootloader.size);
  const isBetween = found >= bootloaderEnd && partitions.every(({ offset }) => offset > found);
  return isBetween ? found : PARTITION_TABLE_OFFSET;
}

function doubtsOf({
  bootloader,
  bootloaderOffset,
  partitions,
  partitionTable,
  problems,
  size,
}: FlashInspection): TwinReason[] {
  const doubts: TwinReason[] = [];
  const own = problems.filter(({ path = "" }) => path.startsWith("/bootloader"));
  doubts.push(...own.map(({ code, message }) => ({ code, message })));
  if (bootloader?.chip === null) {
    const message = `the bootloader at 0x${(bootloaderOffset ?? 0).toString(16)} is for an unknown chip`;
    doubts.push({ code: "image/wrong-chip", message });
  }
  const flashSize = bootloader?.flashSize ?? 0;
  if (size < flashSize) {
    const message = `the dump has ${size} bytes, and the bootloader is for a flash of ${flashSize} bytes: the dump is incomplete`;
    doubts.push({ code: "image/truncated", message });
  }
  const missing = partitions.filter(({ present }) => present !== "whole").map(({ label }) => label);
  if (missing.length > 0) {
    doubts.push({ code: "image/truncated", message: `the dump ends before the end of ${missing.join(", ")}` });
  }
  if (partitionTable?.md5 === "absent") {
    const message = "the partition table has no MD5, and apps built for such tables are not simulated";
    doubts.push({ code: "image/partition-table-invalid", message });
  }
  const encrypted = problems.find(({ code }) => code === "image/encrypted");
  if (encrypted !== undefined) doubts.push({ code: encrypted.code, message: encrypted.message });
  return doubts;
}
