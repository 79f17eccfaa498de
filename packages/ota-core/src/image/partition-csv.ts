import { OtaError } from "../errors.ts";
import { formatHex } from "../format-hex.ts";
import { CHIPS } from "./chips.ts";
import { layoutProblem, partitionAlignment } from "./partition-layout.ts";
import {
  DataSubtype,
  PartitionFlag,
  PartitionType,
  partitionSubtypeName,
  partitionTypeName,
  subtypeKeywords,
  TYPE_KEYWORDS,
} from "./partition-names.ts";
import {
  PARTITION_ENTRY_SIZE,
  PARTITION_TABLE_OFFSET,
  PARTITION_TABLE_SIZE,
  type PartitionEntry,
  type PartitionTable,
  partitionLabelProblem,
} from "./partition-table.ts";

/** Flash offsets for {@link parsePartitionCsv}. */
export interface PartitionCsvOptions {
  /** Offset of the partition table in bytes. Partitions without an offset follow it. @defaultValue 0x8000 */
  readonly tableOffset?: number | undefined;
  /**
   * Offset of the second-stage bootloader in bytes. Needed for the size of rows of type `bootloader`, unless the row of
   * the primary bootloader states its offset.
   */
  readonly bootloaderOffset?: number | undefined;
  /** Offset of the recovery bootloader in bytes. Needed only if its row states no offset. */
  readonly recoveryBootloaderOffset?: number | undefined;
}

/** Subtype of the recovery bootloader. */
const RECOVERY_SUBTYPE = 2;

/** The partition table occupies a whole sector, in bytes. */
const TABLE_SECTOR_SIZE = 0x1000;

/** Maximum number of partitions: the last two entries of the table are its MD5 and its end marker. */
const ENTRIES_MAX: number = PARTITION_TABLE_SIZE / PARTITION_ENTRY_SIZE - 2;

const FLAGS: ReadonlyMap<string, number> = new Map([
  ["encrypted", PartitionFlag.ENCRYPTED],
  ["readonly", PartitionFlag.READONLY],
]);

/** A row before missing offsets are filled in. A negative size means "up to this address". */
interface Row extends Omit<PartitionEntry, "offset"> {
  readonly line: number;
  readonly offset: number | undefined;
}

/**
 * Parses a partition table in the CSV format of ESP-IDF's `gen_esp32part.py` (`Name, Type, SubType, Offset, Size,
 * Flags`). Fills in missing offsets and makes the same checks as the tool (version 1.5, ESP-IDF 5.5 and 6).
 *
 * Like the tool, computes the size of rows of type `bootloader` and `partition_table`, and the offset of the primary
 * ones, and ignores the stated values, which may be `N/A`.
 *
 * Unlike the tool, refuses a name of more than 16 bytes (the tool truncates it), does not expand variables, and takes
 * the offset of the primary or recovery bootloader from its row if no option states it.
 *
 * @param text - Contents of the CSV file.
 * @returns The table in the order of the rows. Its `md5` is "valid", so that `buildPartitionTable` adds an MD5.
 * @throws {@link OtaError} `image/partition-csv-invalid` if the tool would refuse the file; with the line, in the
 *   tool's words.
 */
export function parsePartitionCsv(text: string, options: PartitionCsvOptions = {}): PartitionTable {
  const tableOffset = options.tableOffset ?? PARTITION_TABLE_OFFSET;
  const texts = text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\r|\n/)
    .map((line, index) => ({ line: index + 1, text: line.trim() }))
    .filter((row) => row.text !== "" && !row.text.startsWith("#"));
  const bootloaderOffset = options.bootloaderOffset ?? statedBootloaderOffset(texts);
  const places = { ...options, tableOffset, bootloaderOffset };
  const rows = texts.map((row) => parseRow(row.text, row.line, places));
  const excess = rows[ENTRIES_MAX];
  if (excess !== undefined) {
    const size = (rows.length + 1) * PARTITION_ENTRY_SIZE;
    throw invalid(
      excess.line,
      `Binary partition table length (${size}) longer than max; it holds ${ENTRIES_MAX} partitions`,
    );
  }
  const entries = placeRows(rows, tableOffset);
  const problem = layoutProblem(entries, tableOffset + TABLE_SECTOR_SIZE);
  if (problem !== undefined) throw invalid(rows[problem.index]?.line ?? 0, problem.message);
  return { entries, md5: "valid" };
}

/**
 * Formats a partition table as CSV in the style of `gen_esp32part.py`: known types and flags as keywords, offsets in
 * hexadecimal, whole sizes in K and M.
 *
 * @returns Text that {@link parsePartitionCsv} parses to the same entries, if they pass its checks; computed sizes
 *   excepted.
 * @throws {@link OtaError} `image/partition-csv-invalid` if a label or a flag can't be written in this format.
 */
export function formatPartitionCsv(table: Pick<PartitionTable, "entries">): string {
  const lines = ["# ESP-IDF Partition Table", "# Name, Type, SubType, Offset, Size, Flags"];
  for (const entry of table.entries) lines.push(formatRow(entry, lines.length + 1));
  return `${lines.join("\n")}\n`;
}

function parseRow(text: string, line: number, options: PartitionCsvOptions & { readonly tableOffset: number }): Row {
  const fields = text.split(",").map((field) => field.trim());
  const [label = "", typeText = "", subtypeText = "", offsetText = "", sizeText = "", flagsText = ""] = fields;
  const rowInvalid: RowError = (message, hint) => invalid(line, `Error at line ${line}: ${message}`, hint);
  const fits = (name: string, value: number, max: number) => {
    if (value <= max && value >= (name === "size" ? -max : 0)) return value;
    throw rowInvalid(`Invalid field value: ${name} ${value} must be from 0 to ${max}`);
  };

  const labelProblem = partitionLabelProblem(label);
  if (labelProblem !== undefined) throw rowInvalid(labelProblem);
  if (typeText === "") throw rowInvalid("Field 'type' can't be left empty.");
  const type = fits("type", parseNumber(typeText, TYPE_KEYWORDS, rowInvalid), 0xff);
  const subtype = fits("subtype", parseSubtype(type, subtypeText, rowInvalid), 0xff);
  const number = (name: "offset" | "size", value: string): number | undefined =>
    value === "" ? undefined : fits(name, parseNumber(value, NO_KEYWORDS, rowInvalid), 0xffff_ffff);
  const offset = computedOffset(type, subtype, offsetText, options, rowInvalid) ?? number("offset", offsetText);
  const size = computedSize(type, options, rowInvalid) ?? number("size", sizeText);
  if (size === undefined) throw rowInvalid("Size field can't be empty");
  return { label, type, subtype, offset, size, flags: parseFlags(flagsText, rowInvalid), line };
}

type RowError = (message: string, hint?: string) => OtaError;

const NO_KEYWORDS: ReadonlyMap<string, number> = new Map();

/** Python's `int(x, 0)`. */
const PYTHON_INTEGER = /^([+-]?)(0x(?:_?[0-9a-f])+|0o(?:_?[0-7])+|0b(?:_?[01])+|0(?:_?0)*|[1-9](?:_?[0-9])*)$/i;

function parseNumber(text: string, keywords: ReadonlyMap<string, number>, rowInvalid: RowError): number {
  return parseInteger(text) ?? parseKeyword(text, keywords, rowInvalid);
}

/** Parses an integer. Returns `undefined` for any other text. */
function parseInteger(text: string): number | undefined {
  // K and M are not hexadecimal digits, so a trailing one is always a suffix. Suffixes multiply: 1MK is 2^30.
  let end = text.length;
  while (end > 0 && /[km\s]/i.test(text.charAt(end - 1))) end--;
  const match = PYTHON_INTEGER.exec(text.slice(0, end));
  if (match === null) return undefined;
  let value = Number(match[2]?.replaceAll("_", ""));
  for (const suffix of text.slice(end).toLowerCase()) value *= { k: 1024, m: 1024 * 1024 }[suffix] ?? 1;
  return match[1] === "-" ? 0 - value : value;
}

function parseKeyword(text: string, keywords: ReadonlyMap<string, number>, rowInvalid: RowError): number {
  const value = keywords.get(text.toLowerCase());
  if (value !== undefined) return value;
  if (keywords.size === 0) throw rowInvalid(`Invalid field value ${text}`);
  throw rowInvalid(`Value '${text}' is not valid. Known keywords: ${[...keywords.keys()].join(", ")}`);
}

function parseSubtype(type: number, text: string, rowInvalid: RowError): number {
  if (text !== "") return parseNumber(text, subtypeKeywords(type), rowInvalid);
  if (type === PartitionType.APP) throw rowInvalid("App partition cannot have an empty subtype");
  return DataSubtype.UNDEFINED;
}

function parseFlags(text: string, rowInvalid: RowError): number {
  let flags = 0;
  for (const flag of text.split(":")) {
    if (flag === "") continue;
    const bit = FLAGS.get(flag);
    if (bit === undefined) throw rowInvalid(`CSV flag column contains unknown flag '${flag}'`);
    flags |= bit;
  }
  return flags;
}

/** Returns `true` for a row of the primary bootloader or partition table, which precede all partitions in flash. */
function isPrimary(type: number, subtype: number): boolean {
  return (type === PartitionType.BOOTLOADER || type === PartitionType.PARTITION_TABLE) && subtype === 0;
}

/** Returns the offset that the row of the primary bootloader states, or `undefined`. */
function statedBootloaderOffset(rows: readonly { readonly text: string }[]): number | undefined {
  for (const { text } of rows) {
    const [, type = "", subtype = "", offset = ""] = text.split(",").map((field) => field.trim());
    const value = (field: string, keywords: ReadonlyMap<string, number>): number | undefined =>
      parseInteger(field) ?? keywords.get(field.toLowerCase());
    const { BOOTLOADER } = PartitionType;
    if (value(type, TYPE_KEYWORDS) !== BOOTLOADER || value(subtype, subtypeKeywords(BOOTLOADER)) !== 0) continue;
    const stated = parseInteger(offset);
    if (stated !== undefined && stated >= 0) return stated;
  }
  return undefined;
}

/** Returns the offset of a row if the tool computes it, or `undefined`. */
function computedOffset(
  type: number,
  subtype: number,
  stated: string,
  { tableOffset, bootloaderOffset, recoveryBootloaderOffset }: PartitionCsvOptions & { readonly tableOffset: number },
  rowInvalid: RowError,
): number | undefined {
  if (type === PartitionType.PARTITION_TABLE && subtype === 0) return tableOffset;
  if (type !== PartitionType.BOOTLOADER) return undefined;
  if (subtype === 0) return bootloaderOffset ?? undefinedBootloader(rowInvalid);
  if (subtype !== RECOVERY_SUBTYPE) return undefined;
  if (recoveryBootloaderOffset !== undefined) return recoveryBootloaderOffset;
  if (parseInteger(stated) !== undefined) return undefined;
  const hint = "pass --recovery-bootloader-offset with the value of CONFIG_BOOTLOADER_RECOVERY_OFFSET";
  throw rowInvalid("Recovery bootloader offset is not defined", hint);
}

/** Returns the size of a row if the tool computes it, or `undefined`. */
function computedSize(
  type: number,
  { tableOffset, bootloaderOffset }: PartitionCsvOptions & { readonly tableOffset: number },
  rowInvalid: RowError,
): number | undefined {
  if (type === PartitionType.PARTITION_TABLE) return TABLE_SECTOR_SIZE;
  if (type !== PartitionType.BOOTLOADER) return undefined;
  const size = tableOffset - (bootloaderOffset ?? undefinedBootloader(rowInvalid));
  if (size > 0) return size;
  const places = `at ${formatHex(tableOffset - size)} must lie before the table at ${formatHex(tableOffset)}`;
  throw rowInvalid(`Unsupported configuration. Primary bootloader ${places}`);
}

function undefinedBootloader(rowInvalid: RowError): never {
  const places = new Map<number, string[]>();
  for (const { name, bootloaderOffset } of CHIPS) {
    places.set(bootloaderOffset, [...(places.get(bootloaderOffset) ?? []), name]);
  }
  const texts = [...places].map(([offset, names]) => `${formatHex(offset)} for ${names.join(", ")}`);
  const hint = `pass --primary-bootloader-offset: ${texts.join("; ")}`;
  throw rowInvalid("Primary bootloader offset is not defined", hint);
}

/** Fills in missing offsets and negative sizes. Throws if offsets don't ascend. */
function placeRows(rows: readonly Row[], tableOffset: number): PartitionEntry[] {
  let previousEnd = tableOffset + TABLE_SECTOR_SIZE;
  return rows.map((row, index) => {
    const { line, label, type, subtype, flags } = row;
    if (isPrimary(type, subtype)) return { label, type, subtype, offset: row.offset ?? 0, size: row.size, flags };
    if (row.offset !== undefined && row.offset < previousEnd) {
      const sets = `CSV Error at line ${line}: Partitions overlap. Partition sets offset ${formatHex(row.offset)}.`;
      const free = `But partition table occupies the whole sector ${formatHex(tableOffset)}. Use a free offset ${formatHex(previousEnd)} or higher.`;
      throw invalid(line, `${sets} ${index === 0 ? free : `Previous partition ends ${formatHex(previousEnd)}`}`);
    }
    const alignment = partitionAlignment(type);
    const offset = row.offset ?? Math.ceil(previousEnd / alignment) * alignment;
    const size = row.size < 0 ? -row.size - offset : row.size;
    if (size < 0 || offset + size > 0x1_0000_0000) {
      throw invalid(
        line,
        `Error at line ${line}: Invalid field value: the partition ends at ${formatHex(offset + size)}, before it begins or past 4 GiB`,
      );
    }
    previousEnd = offset + size;
    return { label, type, subtype, offset, size, flags };
  });
}

function formatRow(entry: PartitionEntry, line: number): string {
  const { label, type, subtype, offset, size, flags } = entry;
  if (label !== label.trim() || /[,\r\n]/.test(label) || label.startsWith("#")) {
    throw invalid(line, `the label "${label}" can't be written in CSV`);
  }
  const names = [...FLAGS].filter(([, bit]) => (flags & bit) !== 0);
  const known = names.reduce((bits, [, bit]) => bits | bit, 0);
  if (flags !== known) throw invalid(line, `the flags ${formatHex(flags)} of "${label}" have no name in CSV`);
  const columns = [
    label,
    partitionTypeName(type),
    partitionSubtypeName(type, subtype),
    formatHex(offset),
    formatSize(size),
  ];
  return [...columns, names.map(([name]) => name).join(":")].join(",");
}

function formatSize(size: number): string {
  if (size > 0 && size % 0x10_0000 === 0) return `${size / 0x10_0000}M`;
  if (size > 0 && size % 0x400 === 0) return `${size / 0x400}K`;
  return formatHex(size);
}

function invalid(line: number, message: string, hint?: string): OtaError<"image/partition-csv-invalid"> {
  return new OtaError("image/partition-csv-invalid", message, { line }, { hint });
}
