import { type FileHandle, open, readdir, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isMissing, systemCodeOf } from "../manifest/load-file.ts";
import { isDead, thisProcess } from "./process-owner.ts";

/** A file that is whole and on the disk, under a name that nobody looks for. */
export interface PreparedFile {
  /** Gives it its name, in place of what had it, and sends the name to the disk. */
  commit(): Promise<void>;
  /** Removes it; the old file, if any, stays. */
  discard(): Promise<void>;
}

/**
 * Writes a file so that a reader, or a crash at any moment, finds either the old file or the new one, whole.
 *
 * @param path - The file; its folder exists.
 * @throws The file system's own errors. The temporary file is removed.
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const prepared = await prepareFile(path, (temporary) => writeFile(temporary, bytes, { flag: "wx" }));
  await prepared.commit();
}

/**
 * The first half of writing a file atomically: all that can fail for want of space is done, and nothing has changed.
 *
 * The bytes go to a temporary file beside the other and to the disk. An existing file's permissions stay; a symbolic
 * link stays one, and its target is replaced.
 *
 * @param path - The file; its folder exists.
 * @param fill - Creates the temporary file, which must not exist yet, and fills it.
 * @throws The file system's own errors, and what `fill` throws. The temporary file is removed.
 */
export async function prepareFile(path: string, fill: (temporary: string) => Promise<void>): Promise<PreparedFile> {
  const { target, mode } = await existing(path);
  const temporary = temporaryPathOf(target);
  const discard = (): Promise<void> => rm(temporary, { force: true });
  try {
    await fill(temporary);
    await syncFile(temporary, mode);
  } catch (error) {
    await discard();
    throw error;
  }
  const commit = async (): Promise<void> => {
    try {
      await rename(temporary, target);
    } catch (error) {
      await discard();
      throw error;
    }
    await syncFolder(dirname(target));
  };
  return { commit, discard };
}

/** A name beside a file that says which process made it, so that another can tell when nobody will need it again. */
export function temporaryPathOf(path: string): string {
  const { realm, pid, started } = thisProcess();
  const random = Math.random().toString(36).slice(2, 10).padEnd(8, "0");
  return join(dirname(path), `.${basename(path)}.${realm}-${pid}-${started}-${random}.tmp`);
}

/** Removes the temporary files in a folder whose process is certainly gone: it was killed before it could. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    const [, realm, pid, started] = /^\..+\.([0-9a-f]{12})-(\d+)-(\d+)-[0-9a-z]{8}\.tmp$/.exec(name) ?? [];
    if (realm === undefined || started === undefined || !isDead({ pid: Number(pid), realm, started })) continue;
    // Whoever can't remove it leaves it: it is litter, not a fault.
    await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
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

async function syncFile(path: string, mode: number | undefined): Promise<void> {
  const handle = await open(path, "r+");
  try {
    if (mode !== undefined) await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
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

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}
