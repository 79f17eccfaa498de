import { decodeText } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { type PartitionCsvOptions, parsePartitionCsv } from "./partition-csv.ts";
import { type PartitionTable, parsePartitionTable } from "./partition-table.ts";

/** Returns `true` if a file begins with the magic bytes of a partition entry, as a binary partition table does. */
export function isBinaryPartitionTable(file: Uint8Array): boolean {
  return file[0] === 0xaa && file[1] === 0x50;
}

/**
 * Parses a partition table file: binary, or CSV in UTF-8 or (with a byte-order mark) UTF-16.
 *
 * @param file - Contents of the file.
 * @param options - Offsets of partition table and bootloader, for CSV.
 * @throws {@link OtaError} `image/partition-table-invalid` if the binary table is invalid.
 * @throws {@link OtaError} `image/partition-csv-invalid` if the CSV is invalid, or the file is not text.
 */
export function parsePartitionFile(file: Uint8Array, options: PartitionCsvOptions = {}): PartitionTable {
  if (isBinaryPartitionTable(file)) return parsePartitionTable(file);
  const text = decodeText(file);
  if (text !== undefined) return parsePartitionCsv(text, options);
  const message = "the file is neither a partition table in binary form nor text in UTF-8 or UTF-16";
  throw new OtaError("image/partition-csv-invalid", message, { line: 1 });
}
