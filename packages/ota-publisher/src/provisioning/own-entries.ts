import { readFileSync } from "node:fs";
import { OtaError } from "@tinybms/ota-core";
import { type NvsEntryInput, PROVISIONING_NAMESPACE, parseNvsCsv } from "@tinybms/ota-core/esp";
import { ofFile, readInputFile } from "./input-file.ts";

/** Largest CSV file in bytes, far above the size of any NVS partition. */
const CSV_SIZE_MAX = 16 * 1024 * 1024;

/** Namespaces that the app can't use: the provisioning, and the records of the OTA agent. */
const RESERVED: readonly string[] = [PROVISIONING_NAMESPACE, "tinybms_ota"];

/**
 * Reads the app's namespaces from files in the format of Espressif's generator. As there, relative paths in rows of
 * type `file` are relative to the current folder.
 *
 * @throws {@link OtaError} `provisioning/unreadable`, `nvs/csv-invalid` with line and column; `nvs/entry-invalid` for a
 *   reserved namespace.
 */
export async function readOwnEntries(files: readonly string[]): Promise<readonly NvsEntryInput[]> {
  const entries: NvsEntryInput[] = [];
  for (const file of files) {
    const csv = await readInputFile(file, CSV_SIZE_MAX);
    const found = ofFile(file, () => parseNvsCsv(csv, readContent));
    const reserved = found.find(({ namespace }) => RESERVED.includes(namespace));
    if (reserved !== undefined) {
      const { namespace } = reserved;
      const message = `${file}: the namespace ${namespace} is reserved; set its values with options and the device list`;
      throw new OtaError("nvs/entry-invalid", message, { namespace, key: "" });
    }
    entries.push(...found);
  }
  return entries;
}

function readContent(path: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(readFileSync(path));
  } catch {
    return undefined;
  }
}
