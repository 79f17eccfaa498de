import { chmodSync, closeSync, openSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { OtaError } from "../errors.ts";
import { isMissing, systemCodeOf } from "../manifest/load-file.ts";
import { existingPart, isBelow } from "../manifest/load-path.ts";
import { createFile, flush } from "./new-file.ts";
import { isDead, thisProcess } from "./process-owner.ts";

/** A complete file on the disk under a temporary name. */
export interface PreparedFile {
  /** Renames it to its final name, replacing an existing file, and flushes the name to the disk. */
  commit(): Promise<void>;
  /** Removes it. An existing file with the final name stays. */
  discard(): Promise<void>;
}

/**
 * Writes a file atomically: at any moment, even after a crash, there is either the complete old file or the complete
 * new one.
 *
 * @param path - The file; its folder exists.
 * @param within - As in {@link prepareFile}.
 * @throws {@link OtaError} `package/write-failed` as {@link assertWithin}; the file system's own errors. The temporary
 *   file is removed.
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array, within?: string): Promise<void> {
  const prepared = await prepareFile(path, within, (temporary) => createFile(temporary, bytes));
  await prepared.commit();
}

/**
 * Prepares an atomic write: does everything that may fail for lack of space, before anything changes.
 *
 * Writes a temporary file next to the final one and flushes it to the disk. The final file keeps the permissions of an
 * existing one. If it is a symbolic link, its target is replaced.
 *
 * @param path - The file; its folder exists.
 * @param within - Folder that the file must not leave through symbolic links, for release lines from an untrusted
 *   source. `undefined` for a file that the user names, whose links are followed.
 * @param fill - Creates the temporary file with a function of `new-file.ts`.
 * @throws The file system's own errors, and what `fill` throws. The temporary file is removed.
 */
export async function prepareFile(
  path: string,
  within: string | undefined,
  fill: (temporary: string) => Promise<void>,
): Promise<PreparedFile> {
  if (within !== undefined) await assertWithin(within, path);
  const { target, mode } = existing(path);
  const temporary = temporaryPathOf(target);
  const discard = async (): Promise<void> => rmSync(temporary, { force: true });
  try {
    await fill(temporary);
    if (mode !== undefined) chmodSync(temporary, mode);
  } catch (error) {
    await discard();
    throw error;
  }
  const commit = async (): Promise<void> => {
    try {
      renameSync(temporary, target);
    } catch (error) {
      await discard();
      throw error;
    }
    await syncFolder(dirname(target));
  };
  return { commit, discard };
}

/**
 * Checks that a path stays in a folder, with symbolic links followed.
 *
 * @param path - A file or folder, which need not exist.
 * @throws {@link OtaError} `package/write-failed` if it leaves the folder.
 */
export async function assertWithin(folder: string, path: string): Promise<void> {
  if (isBelow(await existingPart(resolve(folder)), await existingPart(resolve(path)))) return;
  const message = `${path} leads out of ${folder} through a symbolic link; nothing is written there`;
  const hint = "remove the link: what belongs to a release line lies in its folder";
  throw new OtaError("package/write-failed", message, { file: path }, { hint });
}

/**
 * Returns the path of a temporary file next to a file. Its name identifies this process, so that other processes
 * recognize it as abandoned.
 */
export function temporaryPathOf(path: string): string {
  const { realm, pid, started } = thisProcess();
  const random = Math.random().toString(36).slice(2, 10).padEnd(8, "0");
  return join(dirname(path), `.${basename(path)}.${realm}-${pid}-${started}-${random}.tmp`);
}

/** A temporary file or folder whose process was killed before it could remove it. */
export interface Leftover {
  readonly temporary: string;
  /** Its intended final path. */
  readonly target: string;
  /** Identity of the process; equal for all files of one process. */
  readonly owner: string;
}

/** Lists temporary files of dead processes in a folder. */
export async function leftoversIn(folder: string): Promise<readonly Leftover[]> {
  return namesIn(folder).flatMap((name) => {
    const match = /^\.(.+)\.([0-9a-f]{12})-(\d+)-(\d+)-[0-9a-z]{8}\.tmp$/.exec(name);
    const [, target = "", realm = "", pid = "", started = ""] = match ?? [];
    if (match === null || !isDead({ pid: Number(pid), realm, started })) return [];
    return [{ temporary: join(folder, name), target: join(folder, target), owner: `${realm}-${pid}-${started}` }];
  });
}

/** Removes temporary files of dead processes in a folder. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const { temporary } of await leftoversIn(folder)) {
    try {
      rmSync(temporary, { recursive: true, force: true });
    } catch {
      // A leftover that can't be removed does no harm.
    }
  }
}

/** Flushes a folder's names to the disk, if the system supports it (Windows does not, and need not). */
export async function syncFolder(folder: string): Promise<void> {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(folder, "r");
    await flush(descriptor);
  } catch (error) {
    if (!["EACCES", "EBADF", "EINVAL", "EISDIR", "ENOTSUP", "EPERM"].includes(systemCodeOf(error))) throw error;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function existing(path: string): { target: string; mode?: number } {
  try {
    const target = realpathSync.native(path);
    return { target, mode: statSync(target).mode & 0o777 };
  } catch (error) {
    if (isMissing(error)) return { target: path };
    throw error;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
