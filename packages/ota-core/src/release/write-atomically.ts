import { randomUUID } from "node:crypto";
import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isMissing, systemCodeOf } from "../manifest/load-file.ts";

/** Bytes of a file, whole or in pieces. */
export type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Writes a file so that a reader, or a crash at any moment, finds either the old file or the new one, whole.
 *
 * The bytes go to a temporary file beside it and to the disk, then the temporary file takes the name, and the name
 * goes to the disk. An existing file's permissions stay; a symbolic link stays one, and its target is replaced.
 *
 * @param path - The file; its folder exists.
 * @throws The file system's own errors. The temporary file is removed.
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  await writePiecesAtomically(path, [bytes]);
}

/**
 * As {@link writeFileAtomically}, from pieces.
 *
 * @param pieces - Each is written before the next is asked for.
 * @param accept - Called when all is written and nothing replaced yet: what it throws leaves the old file in place.
 */
export async function writePiecesAtomically(
  path: string,
  pieces: Pieces,
  accept: () => void = () => {},
): Promise<void> {
  const { target, mode } = await existing(path);
  const folder = dirname(target);
  const temporary = join(folder, `.${basename(target)}.${randomUUID()}.tmp`);
  const handle = await open(temporary, "wx");
  try {
    try {
      for await (const piece of pieces) await writeWhole(handle, piece);
      accept();
      if (mode !== undefined) await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Sends a folder's names to the disk, where the system can (Windows can't, and needn't). */
export async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, "r");
    await handle.sync();
  } catch (error) {
    if (!["EACCES", "EBADF", "EINVAL", "EISDIR", "ENOTSUP", "EPERM"].includes(systemCodeOf(error))) throw error;
  } finally {
    await handle?.close();
  }
}

async function existing(path: string): Promise<{ target: string; mode?: number }> {
  try {
    const target = await realpath(path);
    return { target, mode: (await stat(target)).mode & 0o777 };
  } catch (error) {
    if (isMissing(error)) return { target: path };
    throw error;
  }
}

/** One `write` may take less than it is given. */
async function writeWhole(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, offset, bytes.length - offset);
    offset += bytesWritten;
  }
}
