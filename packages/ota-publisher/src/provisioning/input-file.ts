import { open } from "node:fs/promises";
import { isOtaError, OtaError } from "@tinybms/ota-core";

/**
 * Reads a small file.
 *
 * @param sizeMax - In bytes; what is larger is not what was meant.
 * @throws {@link OtaError} `provisioning/unreadable`.
 */
export async function readInputFile(file: string, sizeMax: number): Promise<Uint8Array> {
  try {
    const handle = await open(file, "r");
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new Error("it is no regular file");
      if (stats.size > sizeMax) throw new Error(`it has ${stats.size} bytes; at most ${sizeMax} are read`);
      return Uint8Array.from(await handle.readFile());
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const reason = codeOf(cause) ?? (cause instanceof Error ? cause.message : String(cause));
    throw new OtaError("provisioning/unreadable", `${file} can't be read: ${reason}`, { file }, { cause });
  }
}

/** Runs something on a file's content, and names the file in what it finds wrong. */
export function ofFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isOtaError(error)) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new OtaError(error.code, `${file}: ${error.message}`, error.details, { cause: error, ...hint });
  }
}

/** The code of an error of the file system, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
