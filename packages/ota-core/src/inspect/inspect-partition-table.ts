import { isOtaError } from "../errors.ts";
import { type PartitionCsvOptions, parsePartitionCsv } from "../image/partition-csv.ts";
import { layoutProblem } from "../image/partition-layout.ts";
import {
  AppSubtype,
  DataSubtype,
  PartitionFlag,
  PartitionType,
  partitionSubtypeName,
  partitionTypeName,
} from "../image/partition-names.ts";
import {
  findPartition,
  otaSlots,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionEntry,
  type PartitionTable,
  parsePartitionTable,
} from "../image/partition-table.ts";
import { Findings } from "./findings.ts";
import type { InspectedPartition, PartitionTableInspection } from "./inspection.ts";
import { suggestOtaTable } from "./suggest-table.ts";

const SECTOR_SIZE = 0x1000;

/** Offsets of table and bootloader, and size of the flash, in bytes. */
export interface TablePlace extends PartitionCsvOptions {
  /** Size of the flash in bytes. @defaultValue The smallest size that holds every partition. */
  readonly flashSize?: number | undefined;
}

/** Inspects a partition table in binary form. */
export function inspectPartitionTable(bytes: Uint8Array, place: TablePlace): PartitionTableInspection {
  const findings = new Findings();
  const table = parse(() => parsePartitionTable(bytes), findings);
  if (table?.md5 === "mismatch") {
    const message = "the MD5 of the partition table is wrong: the bootloader refuses the table and resets in a loop";
    findings.problem("image/partition-table-invalid", message, 32 * table.entries.length, "/md5");
  }
  if (table?.md5 === "absent") {
    const message = "the partition table has no MD5: an app built with CONFIG_PARTITION_TABLE_MD5 finds no partition";
    findings.note("image/partition-table-invalid", message, 32 * table.entries.length, "/md5");
  }
  const rest = bytes.subarray(PARTITION_TABLE_SIZE);
  if (rest.some((byte) => byte !== 0xff)) {
    const message = `${rest.length} bytes follow the partition table, which has ${PARTITION_TABLE_SIZE}`;
    findings.note("image/partition-table-invalid", message, PARTITION_TABLE_SIZE);
  }
  return inspectTable(table, "binary", bytes.length, place, findings);
}

/** Inspects a partition table in CSV form. */
export function inspectPartitionCsv(text: string, size: number, place: TablePlace): PartitionTableInspection {
  const findings = new Findings();
  const table = parse(() => parsePartitionCsv(text, place), findings);
  const inspection = inspectTable(table, "csv", size, place, findings);
  return { ...inspection, md5: null };
}

function parse(read: () => PartitionTable, findings: Findings): PartitionTable | undefined {
  try {
    return read();
  } catch (error) {
    if (isOtaError(error, "image/partition-table-invalid")) {
      findings.problem(error.code, error.message, error.details.offset);
    } else if (isOtaError(error, "image/partition-csv-invalid")) {
      const { line } = error.details;
      const message = `line ${line}: ${error.message.replace(/^(?:CSV )?Error at line \d+: /, "")}`;
      findings.problem(error.code, error.hint === undefined ? message : `${message}; ${error.hint}`);
    } else {
      throw error;
    }
    return undefined;
  }
}

function inspectTable(
  table: PartitionTable | undefined,
  format: "binary" | "csv",
  size: number,
  { tableOffset = PARTITION_TABLE_OFFSET, flashSize: told }: TablePlace,
  findings: Findings,
): PartitionTableInspection {
  const entries = table?.entries ?? [];
  const flashSize = told ?? flashSizeFor(entries);
  checkLayout(entries, tableOffset, flashSize, findings);
  const slotCount = otaSlots({ entries }).length;
  const obstacle = table === undefined ? undefined : updateObstacle(entries);
  let suggestion: PartitionTableInspection["suggestion"] = null;
  if (obstacle !== undefined) {
    suggestion = suggestOtaTable(entries, flashSize, tableOffset) ?? null;
    const assumed = told === undefined ? " (assumed from the partitions; --flash-size sets it)" : "";
    const remedy =
      suggestion === null
        ? `a flash of ${formatMiB(flashSize)}${assumed} is too small for a table that allows updates`
        : `the suggested table allows updates on a flash of ${formatMiB(flashSize)}${assumed}, with two slots of ${suggestion.slotSize / 1024} KiB`;
    findings.note("image/no-ota-slots", `${obstacle}; ${remedy}`, undefined, "/partitions");
  }
  return {
    type: "partition-table",
    ...findings.result(size),
    format,
    partitions: entries.map(describePartition),
    md5: table?.md5 ?? null,
    slotCount,
    updatable: table !== undefined && obstacle === undefined,
    flashSize,
    suggestion,
  };
}

function checkLayout(
  entries: readonly PartitionEntry[],
  tableOffset: number,
  flashSize: number,
  findings: Findings,
): void {
  const problem = layoutProblem(entries, tableOffset + SECTOR_SIZE);
  if (problem !== undefined) {
    const { index, message } = problem;
    findings.problem("image/partition-table-invalid", message, 32 * index, `/partitions/${index}`);
  }
  for (const [index, { label, offset, size }] of entries.entries()) {
    if (offset + size <= flashSize) continue;
    const end = `0x${(offset + size).toString(16)}`;
    const message = `partition ${label} ends at ${end}, past the flash of ${formatMiB(flashSize)}`;
    findings.problem("image/partition-table-invalid", message, 32 * index, `/partitions/${index}`);
  }
}

/** Returns the reason why a table does not allow repeated updates, or `undefined` if it does. */
function updateObstacle(entries: readonly PartitionEntry[]): string | undefined {
  const table = { entries };
  const slots = otaSlots(table);
  const hasOtadata = findPartition(table, PartitionType.DATA, DataSubtype.OTA) !== undefined;
  const hasFactory = findPartition(table, PartitionType.APP, AppSubtype.FACTORY) !== undefined;
  const gap = entries.find(({ type, subtype }) => isSlot(type, subtype) && (subtype & 0x0f) > slots.length);
  if (slots.length === 0 && gap === undefined) {
    const only = hasFactory ? ": it has only factory, which an app can't overwrite while it runs" : "";
    return `OTA is not possible with this table: it has no OTA slot${only}`;
  }
  if (gap !== undefined) {
    return `OTA is not safe with this table: the slot ota_${slots.length} is missing before ${partitionSubtypeName(gap.type, gap.subtype)}`;
  }
  if (!hasOtadata) return "OTA is not possible with this table: it has no otadata partition to select a slot";
  if (slots.length > 1) return undefined;
  return `an app in ${slots[0]?.label} can't be updated with this table: it is in the only OTA slot`;
}

function isSlot(type: number, subtype: number): boolean {
  return type === PartitionType.APP && (subtype & 0xf0) === AppSubtype.OTA_0;
}

/** Describes a partition with names instead of numbers. */
export function describePartition(entry: PartitionEntry): InspectedPartition {
  const { label, type, subtype, offset, size, flags } = entry;
  return {
    label,
    type: partitionTypeName(type),
    subtype: partitionSubtypeName(type, subtype),
    offset,
    size,
    encrypted: (flags & PartitionFlag.ENCRYPTED) !== 0,
    readonly: (flags & PartitionFlag.READONLY) !== 0,
  };
}

/** Returns the smallest flash size that holds every partition, in bytes: a power of two, at least 1 MiB. */
function flashSizeFor(entries: readonly PartitionEntry[]): number {
  const end = Math.max(0, ...entries.map(({ offset, size }) => offset + size));
  let size = 0x10_0000;
  while (size < end) size *= 2;
  return size;
}

function formatMiB(bytes: number): string {
  return bytes % 0x10_0000 === 0 ? `${bytes / 0x10_0000} MiB` : `${bytes} bytes`;
}
