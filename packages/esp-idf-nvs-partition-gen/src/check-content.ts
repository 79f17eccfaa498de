import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { buildNvsPartition, type NvsPartitionOptions, parseNvsCsv } from "@tinybms/ota-core/esp";

/**
 * Checks the generator's input before it starts: the CSV, the files that the CSV names, and the partition's size.
 *
 * @param folder - Folder of the relative file names in the CSV.
 * @throws {@link OtaError} `nvs/csv-invalid`.
 * @throws {@link OtaError} `nvs/entry-invalid`.
 * @throws {@link OtaError} `nvs/size-invalid`.
 */
export function assertContent(csv: string | Uint8Array, folder: string, options: NvsPartitionOptions): void {
  const entries = parseNvsCsv(csv, (path) => {
    try {
      return Uint8Array.from(readFileSync(resolve(folder, path)));
    } catch {
      return undefined;
    }
  });
  buildNvsPartition(entries, options);
}
