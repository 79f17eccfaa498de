import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { buildNvsPartition, type NvsPartitionOptions, parseNvsCsv } from "@tinybms/ota-core/esp";

/**
 * Checks what the generator is to read, before it is started: the CSV with the files that it names, and the size.
 *
 * @param folder - Where relative names of files begin.
 * @throws {@link OtaError} `nvs/csv-invalid`.
 * @throws {@link OtaError} `nvs/entry-invalid`.
 * @throws {@link OtaError} `nvs/size-invalid`.
 */
export function checkContent(csv: string | Uint8Array, folder: string, options: NvsPartitionOptions): void {
  const entries = parseNvsCsv(csv, (path) => {
    try {
      return Uint8Array.from(readFileSync(resolve(folder, path)));
    } catch {
      return undefined;
    }
  });
  buildNvsPartition(entries, options);
}
