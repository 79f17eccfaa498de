import { md5 } from "@noble/hashes/legacy.js";
import { concatBytes, decodeUtf8, equalBytes, toHex, utf8, viewOf } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { AppSubtype, OTA_SLOTS_MAX, PartitionType } from "./partition-names.ts";

/** Default offset of the partition table in flash, in bytes (`CONFIG_PARTITION_TABLE_OFFSET`). */
export const PARTITION_TABLE_OFFSET = 0x8000;

/** Size of a partition table in bytes (`ESP_PARTITION_TABLE_MAX_LEN`). The rest of its sector is not part of it. */
export const PARTITION_TABLE_SIZE = 0xc00;

/** Size of one entry in bytes. */
export const PARTITION_ENTRY_SIZE = 32;

/** Size of the label field in bytes. A label that fills it has no terminator. */
export const PARTITION_LABEL_SIZE = 16;

const ENTRY_MAGIC = 0x50aa;
const MD5_MAGIC = 0xebeb;
const BLANK_MAGIC = 0xffff;
/** Offset of the MD5 in its entry, in bytes. */
const MD5_OFFSET = 16;

/** One partition (`esp_partition_info_t`). */
export interface PartitionEntry {
  /** At most 16 bytes of UTF-8 without NUL. */
  readonly label: string;
  /** One of `PartitionType`, or 0x40 to 0xFE. */
  readonly type: number;
  /** One of `AppSubtype` or `DataSubtype`, depending on the type, or a project's own. */
  readonly subtype: number;
  /** Offset in flash, in bytes. */
  readonly offset: number;
  /** Size in bytes. */
  readonly size: number;
  /** Bits of `PartitionFlag`. */
  readonly flags: number;
}

/** A partition table. */
export interface PartitionTable {
  /** In the order of the table. */
  readonly entries: readonly PartitionEntry[];
  /**
   * State of the MD5 entry. The bootloader accepts a table without one but refuses a mismatch. An app in ESP-IDF's
   * default configuration finds no partition at all unless the MD5 is valid.
   */
  readonly md5: "valid" | "mismatch" | "absent";
}

/**
 * Parses a partition table.
 *
 * Reads the entries up to the end marker, as ESP-IDF's `esp_partition_table_verify` does. Does not check alignment,
 * overlaps or the flash size. A wrong MD5 is not an error here. Bytes after a label's NUL are lost.
 *
 * @param bytes - The table from its first byte. At most 3072 bytes are read.
 * @throws {@link OtaError} `image/partition-table-invalid` with the offset of the entry, if there is no table, an entry
 *   has a wrong magic number, a label isn't UTF-8, or the end marker is missing.
 */
export function parsePartitionTable(bytes: Uint8Array): PartitionTable {
  const table = bytes.subarray(0, PARTITION_TABLE_SIZE);
  const entries: PartitionEntry[] = [];
  let md5State: PartitionTable["md5"] = "absent";
  for (let offset = 0; offset + PARTITION_ENTRY_SIZE <= table.length; offset += PARTITION_ENTRY_SIZE) {
    const entry = table.subarray(offset, offset + PARTITION_ENTRY_SIZE);
    const magic = viewOf(entry).getUint16(0, true);
    if (offset > 0 && magic === BLANK_MAGIC && entry[2] === 0xff && entry[3] === 0xff)
      return { entries, md5: md5State };
    if (magic === MD5_MAGIC && md5State === "absent") {
      md5State = equalBytes(entry.subarray(MD5_OFFSET), md5(table.subarray(0, offset))) ? "valid" : "mismatch";
      continue;
    }
    if (magic !== ENTRY_MAGIC) throw notAnEntry(entry, offset);
    if (md5State !== "absent") throw invalid(offset, "a partition follows the MD5 entry, which doesn't cover it");
    entries.push(parseEntry(entry, offset));
  }
  const end = table.length - (table.length % PARTITION_ENTRY_SIZE);
  throw invalid(end, `the partition table is missing an end marker; 32 bytes of 0xff must follow its last entry`);
}

/**
 * Builds the 3072 bytes of a partition table as `gen_esp32part.py` does: the entries, their MD5, then 0xFF.
 *
 * @param table - If its `md5` is "absent", the result has no MD5 entry; otherwise it has a valid one.
 * @throws {@link OtaError} `image/partition-table-invalid` if a value doesn't fit its field, the table would look
 *   erased, or there are more than 94 partitions (95 without an MD5).
 */
export function buildPartitionTable(
  table: Pick<PartitionTable, "entries"> & Partial<Pick<PartitionTable, "md5">>,
): Uint8Array {
  const withMd5 = table.md5 !== "absent";
  const max = PARTITION_TABLE_SIZE / PARTITION_ENTRY_SIZE - (withMd5 ? 2 : 1);
  if (table.entries.length > max) {
    const message = `the partition table has ${table.entries.length} entries; it holds at most ${max}`;
    throw invalid(max * PARTITION_ENTRY_SIZE, message);
  }
  if (table.entries.length === 0 && !withMd5) throw invalid(0, "the partition table has no entry; it must have one");

  const entries = concatBytes(table.entries.map(buildEntry));
  const bytes = new Uint8Array(PARTITION_TABLE_SIZE).fill(0xff);
  bytes.set(entries);
  if (withMd5) {
    viewOf(bytes).setUint16(entries.length, MD5_MAGIC, true);
    bytes.set(md5(entries), entries.length + MD5_OFFSET);
  }
  return bytes;
}

/**
 * Finds the first partition with a type and subtype, like `esp_partition_find_first`.
 *
 * @param label - Also required, if given.
 * @returns The partition, or `undefined` if there is no such partition.
 */
export function findPartition(
  table: Pick<PartitionTable, "entries">,
  type: number,
  subtype: number,
  label?: string,
): PartitionEntry | undefined {
  return table.entries.find(
    (entry) => entry.type === type && entry.subtype === subtype && (label === undefined || entry.label === label),
  );
}

/**
 * Returns the OTA slots as an app counts them: `ota_0`, `ota_1` and so on, up to the first missing one. Goes by the
 * subtype, not by the label.
 */
export function otaSlots(table: Pick<PartitionTable, "entries">): readonly PartitionEntry[] {
  const slots: PartitionEntry[] = [];
  while (slots.length < OTA_SLOTS_MAX) {
    const slot = findPartition(table, PartitionType.APP, AppSubtype.OTA_0 + slots.length);
    if (slot === undefined) break;
    slots.push(slot);
  }
  return slots;
}

function parseEntry(bytes: Uint8Array, offset: number): PartitionEntry {
  const view = viewOf(bytes);
  const field = bytes.subarray(12, 12 + PARTITION_LABEL_SIZE);
  const end = field.indexOf(0);
  const label = decodeUtf8(end === -1 ? field : field.subarray(0, end));
  if (label === undefined) throw invalid(offset + 12, `the label ${toHex(field)} isn't UTF-8`);
  return {
    label,
    type: view.getUint8(2),
    subtype: view.getUint8(3),
    offset: view.getUint32(4, true),
    size: view.getUint32(8, true),
    flags: view.getUint32(28, true),
  };
}

function buildEntry(entry: PartitionEntry, index: number): Uint8Array {
  const bytes = new Uint8Array(PARTITION_ENTRY_SIZE);
  const view = viewOf(bytes);
  const at = index * PARTITION_ENTRY_SIZE;
  const field = (name: "type" | "subtype" | "offset" | "size" | "flags", max: number, offset: number) => {
    const value = entry[name];
    if (Number.isInteger(value) && value >= 0 && value <= max) return value;
    throw invalid(
      at + offset,
      `${name} of partition ${entry.label} is ${value}; it must be an integer from 0 to ${max}`,
    );
  };
  view.setUint16(0, ENTRY_MAGIC, true);
  view.setUint8(2, field("type", 0xff, 2));
  view.setUint8(3, field("subtype", 0xff, 3));
  view.setUint32(4, field("offset", 0xffff_ffff, 4), true);
  view.setUint32(8, field("size", 0xffff_ffff, 8), true);
  const problem = partitionLabelProblem(entry.label);
  if (problem !== undefined) throw invalid(at + 12, problem);
  bytes.set(utf8(entry.label), 12);
  view.setUint32(28, field("flags", 0xffff_ffff, 28), true);
  return bytes;
}

/** Returns the reason why a label can't be stored unchanged, or `undefined` if it can. */
export function partitionLabelProblem(label: string): string | undefined {
  const bytes = utf8(label);
  if (bytes.length > PARTITION_LABEL_SIZE) {
    return `the label "${label}" is ${bytes.length} bytes of UTF-8; it must be at most ${PARTITION_LABEL_SIZE}`;
  }
  if (bytes.includes(0)) return `the label "${label}" holds a NUL, which ends a label`;
  return decodeUtf8(bytes) === label ? undefined : `the label "${label}" isn't well-formed Unicode`;
}

function notAnEntry(entry: Uint8Array, offset: number): OtaError<"image/partition-table-invalid"> {
  const found = toHex(entry.subarray(0, 2));
  if (found === "ebeb") return invalid(offset, "the partition table has a second MD5 entry; it must have one at most");
  const where = offset === 0 ? "no partition table begins here: found" : "the entry begins with";
  return invalid(offset, `${where} ${found}; a partition begins with aa50, the MD5 entry with ebeb`);
}

function invalid(offset: number, message: string): OtaError<"image/partition-table-invalid"> {
  return new OtaError("image/partition-table-invalid", `${message} (offset 0x${offset.toString(16)})`, { offset });
}
