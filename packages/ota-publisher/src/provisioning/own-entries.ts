import { readFileSync } from "node:fs";
import { OtaError } from "@tinybms/ota-core";
import { type NvsEntryInput, PROVISIONING_NAMESPACE, parseNvsCsv } from "@tinybms/ota-core/esp";
import { ofFile, readInputFile } from "./input-file.ts";

/** Far more than any NVS partition holds. */
const CSV_SIZE_MAX = 16 * 1024 * 1024;

/** Namespaces that are not the app's: what devices are told, and what their OTA agent keeps. */
const RESERVED: readonly string[] = [PROVISIONING_NAMESPACE, "tinybms_ota"];

/**
 * Reads the app's own namespaces, from files in the format of Espressif's generator. As for that one, relative names of
 * files in rows of type `file` begin in the current folder.
 *
 * @throws OtaError `provisioning/unreadable`, `nvs/csv-invalid` with line and column; `nvs/entry-invalid` for a namespace
 *   that is not the app's.
 */
export async function readOwnEntries(files: readonly string[]): Promise<readonly NvsEntryInput[]> {
  const entries: NvsEntryInput[] = [];
  for (const file of files) {
    const csv = await readInputFile(file, CSV_SIZE_MAX);
    const found = ofFile(file, () => parseNvsCsv(csv, readContent));
    const reserved = found.find(({ namespace }) => RESERVED.includes(namespace));
    if (reserved !== undefined) {
      const { namespace } = reserved;
      const message = `${file}: the namespace ${namespace} is not the app's; what devices are told comes from options and the list`;
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
