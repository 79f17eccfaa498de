import {
  DataSubtype,
  decodeUtf8,
  findPartition,
  OtaError,
  PartitionType,
  parsePartitionCsv,
  parsePartitionTable,
} from "@tinybms/ota-core";
import { ofFile, readInputFile } from "./input-file.ts";

/** The size that most of ESP-IDF's own tables give NVS, two_ota_large among them, in bytes. */
const SIZE_DEFAULT = 0x6000;
const TABLE_SIZE_MAX = 64 * 1024;
/** The first two bytes of a partition table in binary form. */
const TABLE_MAGIC: readonly number[] = [0xaa, 0x50];

/**
 * How large the NVS partition is to be, in bytes: as the option says, or the partition table, or as in ESP-IDF's own
 * tables.
 *
 * @throws OtaError `arguments/invalid` where both say it, or the table has no NVS partition; `image/…` for a table that
 *   is none.
 */
export async function nvsSizeOf(options: {
  readonly nvsSize?: number;
  readonly partitionTable?: string;
}): Promise<number> {
  const { nvsSize, partitionTable: file } = options;
  if (file === undefined) return nvsSize ?? SIZE_DEFAULT;
  if (nvsSize !== undefined) {
    const message = "--nvs-size and --partition-table both say how large the partition is; leave one away";
    throw new OtaError("arguments/invalid", message, { option: "--nvs-size" });
  }
  const bytes = await readInputFile(file, TABLE_SIZE_MAX);
  const isBinary = TABLE_MAGIC.every((byte, index) => bytes[index] === byte);
  const table = ofFile(file, () =>
    isBinary ? parsePartitionTable(bytes) : parsePartitionCsv(decodeUtf8(bytes) ?? ""),
  );
  const size = findPartition(table, PartitionType.DATA, DataSubtype.NVS)?.size;
  if (size !== undefined) return size;
  throw new OtaError("arguments/invalid", `${file} has no partition of type data/nvs`, { option: "--partition-table" });
}
