import { formatHex } from "../format-hex.ts";
import { DataSubtype, PartitionFlag, PartitionType } from "./partition-names.ts";
import type { PartitionEntry } from "./partition-table.ts";

/** A problem of a partition layout: the index of the entry, and a message in the words of `gen_esp32part.py`. */
export interface LayoutProblem {
  readonly index: number;
  readonly message: string;
}

const SECTOR_SIZE = 0x1000;

/** Size of an otadata partition in bytes: two sectors. */
const OTADATA_PARTITION_SIZE = 0x2000;

/** Minimum size of a writable NVS partition in bytes: three pages, one of which always stays free. */
const NVS_WRITABLE_SIZE_MIN = 0x3000;

/** Returns the alignment of a partition's offset in bytes: an MMU page for apps, a sector for other types. */
export function partitionAlignment(type: number): number {
  return type === PartitionType.APP ? 0x10000 : SECTOR_SIZE;
}

/**
 * Makes the checks of `PartitionTable.verify` in `gen_esp32part.py`: alignment, unique names, overlaps, otadata, NVS.
 *
 * @param entries - In the order of the table.
 * @param firstOffset - Lowest allowed offset in bytes: the end of the table's sector.
 * @returns The first problem in the tool's order, or `undefined` if the layout is valid.
 */
export function layoutProblem(entries: readonly PartitionEntry[], firstOffset: number): LayoutProblem | undefined {
  return (
    firstProblem(entries, entryProblem) ??
    firstProblem(entries, ({ label }, index) =>
      entries.findIndex((entry) => entry.label === label) === index ? undefined : "Partition names must be unique",
    ) ??
    overlapProblem(entries, firstOffset) ??
    otadataProblem(entries, DataSubtype.OTA, "otadata", "ota") ??
    otadataProblem(entries, DataSubtype.TEE_OTA, "TEE otadata", "tee_ota")
  );
}

function firstProblem(
  entries: readonly PartitionEntry[],
  problemOf: (entry: PartitionEntry, index: number) => string | undefined,
): LayoutProblem | undefined {
  for (const [index, entry] of entries.entries()) {
    const message = problemOf(entry, index);
    if (message !== undefined) return { index, message };
  }
  return undefined;
}

function entryProblem(entry: PartitionEntry): string | undefined {
  const { label, type, subtype, offset, size } = entry;
  const alignment = partitionAlignment(type);
  const invalid = (message: string) => `Partition ${label} invalid: ${message}`;
  if (offset % alignment !== 0) return invalid(`Offset ${formatHex(offset)} is not aligned to ${formatHex(alignment)}`);
  if (type === PartitionType.APP && size % SECTOR_SIZE !== 0) {
    return invalid(`Size ${formatHex(size)} is not aligned to ${formatHex(SECTOR_SIZE)}`);
  }
  if (type !== PartitionType.DATA) return undefined;

  const isReadonly = (entry.flags & PartitionFlag.READONLY) !== 0;
  const partition = `'${label}' partition of type ${type} and subtype ${subtype}`;
  if (isReadonly && (subtype === DataSubtype.OTA || subtype === DataSubtype.COREDUMP)) {
    return invalid(`${partition} is always read-write and cannot be read-only`);
  }
  if (!isReadonly && subtype === DataSubtype.NVS && size < NVS_WRITABLE_SIZE_MIN) {
    const why = `the size of read/write NVS has to be at least ${formatHex(NVS_WRITABLE_SIZE_MIN)}`;
    return invalid(`${partition} of this size (${formatHex(size)}) must be flagged as 'readonly' (${why})`);
  }
  return undefined;
}

function overlapProblem(entries: readonly PartitionEntry[], firstOffset: number): LayoutProblem | undefined {
  const ascending = [...entries.entries()].sort(([, left], [, right]) => left.offset - right.offset);
  let previous: PartitionEntry | undefined;
  for (const [index, entry] of ascending) {
    const { type, subtype, offset } = entry;
    const isPrimary = (type === PartitionType.BOOTLOADER || type === PartitionType.PARTITION_TABLE) && subtype === 0;
    if (offset < firstOffset && !isPrimary) {
      return { index, message: `Partition offset ${formatHex(offset)} is below ${formatHex(firstOffset)}` };
    }
    if (previous !== undefined && offset < previous.offset + previous.size) {
      const range = `${formatHex(previous.offset)}-${formatHex(previous.offset + previous.size - 1)}`;
      return { index, message: `Partition at ${formatHex(offset)} overlaps ${range}` };
    }
    previous = entry;
  }
  return undefined;
}

function otadataProblem(
  entries: readonly PartitionEntry[],
  subtype: number,
  name: string,
  keyword: string,
): LayoutProblem | undefined {
  const found = [...entries.entries()].filter(
    ([, entry]) => entry.type === PartitionType.DATA && entry.subtype === subtype,
  );
  const [first, second] = found;
  if (second !== undefined) {
    const only = `Only one partition can be defined with type="data"(1) and subtype="${keyword}"(${formatHex(subtype)}).`;
    return { index: second[0], message: `Found multiple ${name} partitions. ${only}` };
  }
  if (first === undefined || first[1].size === OTADATA_PARTITION_SIZE) return undefined;
  return { index: first[0], message: `${name} partition must have size = ${formatHex(OTADATA_PARTITION_SIZE)}` };
}
