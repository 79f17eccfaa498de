import { chmod, type FileHandle, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { OtaError } from "../errors.ts";
import { isMissing, systemCodeOf } from "../manifest/load-file.ts";
import { existingPart, isBelow } from "../manifest/load-path.ts";
import { createFile } from "./new-file.ts";
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
 * @param within - As for {@link prepareFile}.
 * @throws {@link OtaError} `package/write-failed` as {@link assertWithin}; the file system's own errors. The temporary
 *   file is removed.
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array, within?: string): Promise<void> {
  const prepared = await prepareFile(path, within, (temporary) => createFile(temporary, bytes));
  await prepared.commit();
}

/**
 * The first half of writing a file atomically: all that can fail for want of space is done, and nothing has changed.
 *
 * The bytes go to a temporary file beside the other and to the disk. An existing file's permissions stay; a symbolic
 * link stays one, and its target is replaced.
 *
 * @param path - The file; its folder exists.
 * @param within - A folder that the file may not leave through symbolic links: that of a release line, which somebody
 *   else may have made. `undefined` for a file that the user names, whose links are followed.
 * @param fill - Creates the temporary file, with a function of `new-file.ts`.
 * @throws The file system's own errors, and what `fill` throws. The temporary file is removed.
 */
export async function prepareFile(
  path: string,
  within: string | undefined,
  fill: (temporary: string) => Promise<void>,
): Promise<PreparedFile> {
  if (within !== undefined) await assertWithin(within, path);
  const { target, mode } = await existing(path);
  const temporary = temporaryPathOf(target);
  const discard = (): Promise<void> => rm(temporary, { force: true });
  try {
    await fill(temporary);
    if (mode !== undefined) await chmod(temporary, mode);
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

/**
 * Refuses a place that symbolic links put outside a folder.
 *
 * @param path - A file or folder, which need not exist.
 * @throws {@link OtaError} `package/write-failed`.
 */
export async function assertWithin(folder: string, path: string): Promise<void> {
  if (isBelow(await existingPart(resolve(folder)), await existingPart(resolve(path)))) return;
  const message = `${path} leads out of ${folder} through a symbolic link; nothing is written there`;
  const hint = "remove the link: what belongs to a release line lies in its folder";
  throw new OtaError("package/write-failed", message, { file: path }, { hint });
}

/** A name beside a file that says which process made it, so that another can tell when nobody will need it again. */
export function temporaryPathOf(path: string): string {
  const { realm, pid, started } = thisProcess();
  const random = Math.random().toString(36).slice(2, 10).padEnd(8, "0");
  return join(dirname(path), `.${basename(path)}.${realm}-${pid}-${started}-${random}.tmp`);
}

/** A temporary file or folder whose process is certainly gone: it was killed before it could remove it. */
export interface Leftover {
  readonly temporary: string;
  /** What it was to be called. */
  readonly target: string;
  /** The same for all that one process left. */
  readonly owner: string;
}

/** Lists what dead processes left in a folder. */
export async function leftoversIn(folder: string): Promise<readonly Leftover[]> {
  return (await namesIn(folder)).flatMap((name) => {
    const match = /^\.(.+)\.([0-9a-f]{12})-(\d+)-(\d+)-[0-9a-z]{8}\.tmp$/.exec(name);
    const [, target = "", realm = "", pid = "", started = ""] = match ?? [];
    if (match === null || !isDead({ pid: Number(pid), realm, started })) return [];
    return [{ temporary: join(folder, name), target: join(folder, target), owner: `${realm}-${pid}-${started}` }];
  });
}

/** Removes what dead processes left in a folder. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const { temporary } of await leftoversIn(folder)) {
    // Whoever can't remove it leaves it: it is litter, not a fault.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
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
