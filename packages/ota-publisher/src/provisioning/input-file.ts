import { open } from "node:fs/promises";
import { isOtaError, OtaError } from "@tinybms/ota-core";
import { reasonOf } from "../system-error.ts";

/**
 * Reads a small file.
 *
 * @param sizeMax - Largest size in bytes.
 * @throws {@link OtaError} `provisioning/unreadable`.
 */
export async function readInputFile(file: string, sizeMax: number): Promise<Uint8Array> {
  try {
    const handle = await open(file, "r");
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new Error("it is not a regular file");
      if (stats.size > sizeMax) throw new Error(`it has ${stats.size} bytes; the limit is ${sizeMax}`);
      return Uint8Array.from(await handle.readFile());
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new OtaError("provisioning/unreadable", `${file} can't be read: ${reason}`, { file }, { cause });
  }
}

/** Runs `work` on a file's content and adds the file's name to its errors. */
export function ofFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isOtaError(error)) throw error;
    const { hint } = error;
    throw new OtaError(error.code, `${file}: ${error.message}`, error.details, { cause: error, hint });
  }
}
