import { OtaError } from "@tinybms/ota-core";
import {
  DataSubtype,
  findPartition,
  type PartitionCsvOptions,
  PartitionType,
  parsePartitionFile,
} from "@tinybms/ota-core/esp";
import { ofFile, readInputFile } from "./input-file.ts";

/** Size of NVS in most of ESP-IDF's partition tables, such as two_ota_large, in bytes. */
const SIZE_DEFAULT = 0x6000;
const TABLE_SIZE_MAX = 64 * 1024;

/**
 * Returns the size of the NVS partition in bytes: from the option, from the partition table, or ESP-IDF's default.
 *
 * @param places - Offsets of partition table and bootloader, for tables in CSV.
 * @throws {@link OtaError} `arguments/invalid` if both options are set, or the table has no NVS partition; `image/…` if
 *   the file is not a partition table.
 */
export async function nvsSizeOf(
  options: { readonly nvsSize?: number; readonly partitionTable?: string },
  places: PartitionCsvOptions = {},
): Promise<number> {
  const { nvsSize, partitionTable: file } = options;
  if (file === undefined) return nvsSize ?? SIZE_DEFAULT;
  if (nvsSize !== undefined) {
    const message = "--nvs-size and --partition-table both set the size of the partition; omit one";
    throw new OtaError("arguments/invalid", message, { option: "--nvs-size" });
  }
  const bytes = await readInputFile(file, TABLE_SIZE_MAX);
  const table = ofFile(file, () => parsePartitionFile(bytes, places));
  const size = findPartition(table, PartitionType.DATA, DataSubtype.NVS)?.size;
  if (size !== undefined) return size;
  throw new OtaError("arguments/invalid", `${file} has no partition of type data/nvs`, { option: "--partition-table" });
}
