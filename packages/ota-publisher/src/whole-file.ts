import { open } from "node:fs/promises";
import { OtaError } from "@tinybms/ota-core";

/** Maximum size of a file in bytes, above the largest flash of the family (128 MiB). */
const FILE_SIZE_MAX = 256 * 1024 * 1024;

/**
 * Reads an image or another file for a flash.
 *
 * @throws {@link OtaError} `image/file-unreadable` if the file can't be read, or is larger than any flash.
 */
export async function readWholeFile(file: string): Promise<Uint8Array> {
  const handle = await open(file, "r").catch((cause: unknown) => {
    throw unreadable(file, "can't be opened", cause);
  });
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) throw unreadable(file, "is a folder; it must be a file");
    if (stats.size > FILE_SIZE_MAX) {
      throw unreadable(file, `is ${stats.size} bytes; no flash is larger than 128 MiB`);
    }
    if (!stats.isFile()) return Uint8Array.from(await handle.readFile());
    // `readFile` would collect pieces and copy them, which takes twice the memory.
    const bytes = new Uint8Array(stats.size);
    let size = 0;
    while (size < bytes.length) {
      const { bytesRead } = await handle.read(bytes, size, bytes.length - size, size);
      if (bytesRead === 0) break;
      size += bytesRead;
    }
    return bytes.subarray(0, size);
  } catch (cause) {
    throw cause instanceof OtaError ? cause : unreadable(file, "can't be read", cause);
  } finally {
    await handle.close();
  }
}

function unreadable(file: string, why: string, cause?: unknown): OtaError<"image/file-unreadable"> {
  const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return new OtaError("image/file-unreadable", `${file} ${why}${code}`, { file }, { cause });
}
