import { decodeText } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { type PartitionCsvOptions, parsePartitionCsv } from "./partition-csv.ts";
import { type PartitionTable, parsePartitionTable } from "./partition-table.ts";

/** Whether a file holds a partition table in binary form, which begins with the magic of its first entry. */
export function isBinaryPartitionTable(file: Uint8Array): boolean {
  return file[0] === 0xaa && file[1] === 0x50;
}

/**
 * Parses a file that holds a partition table: in binary form, or as CSV in UTF-8 or, with a byte-order mark, UTF-16.
 *
 * @param options - Where partition table and bootloader lie, for CSV.
 * @throws {@link OtaError} `image/partition-table-invalid`, `image/partition-csv-invalid`.
 */
export function parsePartitionFile(file: Uint8Array, options: PartitionCsvOptions = {}): PartitionTable {
  if (isBinaryPartitionTable(file)) return parsePartitionTable(file);
  const text = decodeText(file);
  if (text !== undefined) return parsePartitionCsv(text, options);
  const message = "the file is neither a partition table in binary form nor text in UTF-8 or UTF-16";
  throw new OtaError("image/partition-csv-invalid", message, { line: 1 });
}
