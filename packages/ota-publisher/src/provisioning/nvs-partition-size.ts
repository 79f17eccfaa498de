import { OtaError } from "@tinybms/ota-core";
import {
  DataSubtype,
  findPartition,
  type PartitionCsvOptions,
  PartitionType,
  parsePartitionFile,
} from "@tinybms/ota-core/esp";
import { ofFile, readInputFile } from "./input-file.ts";

/** The size that most of ESP-IDF's own tables give NVS, two_ota_large among them, in bytes. */
const SIZE_DEFAULT = 0x6000;
const TABLE_SIZE_MAX = 64 * 1024;

/**
 * How large the NVS partition is to be, in bytes: as the option says, or the partition table, or as in ESP-IDF's own
 * tables.
 *
 * @param places - Where partition table and bootloader lie, for tables in CSV.
 * @throws OtaError `arguments/invalid` where both say it, or the table has no NVS partition; `image/…` for a table that
 *   is none.
 */
export async function nvsSizeOf(
  options: { readonly nvsSize?: number; readonly partitionTable?: string },
  places: PartitionCsvOptions = {},
): Promise<number> {
  const { nvsSize, partitionTable: file } = options;
  if (file === undefined) return nvsSize ?? SIZE_DEFAULT;
  if (nvsSize !== undefined) {
    const message = "--nvs-size and --partition-table both say how large the partition is; leave one away";
    throw new OtaError("arguments/invalid", message, { option: "--nvs-size" });
  }
  const bytes = await readInputFile(file, TABLE_SIZE_MAX);
  const table = ofFile(file, () => parsePartitionFile(bytes, places));
  const size = findPartition(table, PartitionType.DATA, DataSubtype.NVS)?.size;
  if (size !== undefined) return size;
  throw new OtaError("arguments/invalid", `${file} has no partition of type data/nvs`, { option: "--partition-table" });
}
