import { access, link, lstat, mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isMissing, systemCodeOf } from "../manifest/load-file.ts";
import { createFile } from "./new-file.ts";
import { type Leftover, leftoversIn, removeLeftovers, syncFolder, temporaryPathOf } from "./write-atomically.ts";

/** A file that must not exist yet. */
export interface NewFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Permissions, on systems that support them. */
  readonly mode: number;
}

/**
 * Writes a file that must not exist. After a crash at any moment, the file is complete or absent. An existing file
 * stays unchanged.
 *
 * @param path - The file; its folder must exist.
 * @param mode - Permissions, on systems that support them.
 * @throws The file system's own errors; `EEXIST` if the name exists.
 */
export async function writeNewFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  await writeNewFiles([{ path, bytes, mode }]);
}

/**
 * Writes several files of one folder that must not exist, all or none. Flushes all of them to the disk before the first
 * one gets its name. A process that is killed while it names the files leaves some of them; the next call in this
 * folder removes those unless all are present.
 *
 * @param files - Files of one folder, which must exist. The last file should be the one that makes the others usable.
 * @throws The file system's own errors; `EEXIST` if one of the names exists.
 */
export async function writeNewFiles(files: readonly NewFile[]): Promise<void> {
  const [first] = files;
  if (first === undefined) return;
  const folder = dirname(first.path);
  await takeBack(folder);
  const prepared = files.map((file) => ({ ...file, temporary: temporaryPathOf(file.path) }));
  const named: string[] = [];
  try {
    for (const { temporary, bytes, mode } of prepared) await createFile(temporary, bytes, mode);
    for (const { temporary, path } of prepared) {
      await giveNewName(temporary, path);
      named.push(path);
    }
  } catch (error) {
    for (const path of named) await rm(path, { force: true });
    throw error;
  } finally {
    // In reverse order: as long as the last temporary file exists, the set is known to be incomplete.
    for (const { temporary } of prepared.toReversed()) await rm(temporary, { force: true });
  }
  await syncFolder(folder);
}

/**
 * Removes the files of a killed process that had named only some of them. A temporary file whose final name is free
 * shows that the set is incomplete; a named file is recognized because it is the same file as a temporary one.
 */
async function takeBack(folder: string): Promise<void> {
  const leftovers = await leftoversIn(folder);
  for (const owner of new Set(leftovers.map((leftover) => leftover.owner))) {
    const ofOwner = leftovers.filter((leftover) => leftover.owner === owner);
    const states = await Promise.all(ofOwner.map(async (leftover) => ({ ...leftover, has: await hasName(leftover) })));
    if (states.every(({ has }) => has)) continue;
    for (const { target, has } of states) if (has) await rm(target, { force: true });
  }
  await removeLeftovers(folder);
}

/** Returns `true` if a temporary file has its final name already: both are the same file. */
async function hasName({ temporary, target }: Leftover): Promise<boolean> {
  try {
    const [left, right] = await Promise.all([lstat(temporary), lstat(target)]);
    return left.ino === right.ino && left.dev === right.dev;
  } catch {
    return false;
  }
}

/**
 * Creates a folder with its files. The folder must not exist or must be empty. After a crash at any moment, it is
 * complete or absent. Creates missing parent folders.
 *
 * @param path - The folder. Only its owner can read it.
 * @param fill - Writes the files into the given folder, which is next to `path` until it is complete.
 * @throws The file system's own errors, `EEXIST` if the folder has files, and the errors of `fill`.
 */
export async function writeNewFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const target = resolve(path);
  await mkdir(dirname(target), { recursive: true });
  await removeLeftovers(dirname(target));
  await assertEmptyFolder(target);
  const temporary = temporaryPathOf(target);
  await mkdir(temporary, { mode: 0o700 });
  try {
    await fill(temporary);
    await syncFolder(temporary);
    // Windows can't rename a folder to the name of another one, even an empty one.
    await rmdir(target).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  await syncFolder(dirname(target));
}

/** Names a file with `link`, because `rename` would replace an existing file. */
async function giveNewName(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    // Some file systems, such as FAT, have no hard links.
    if (!["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"].includes(systemCodeOf(error))) throw error;
    const isFree = await access(path).then(
      () => false,
      (reason: unknown) => isMissing(reason),
    );
    if (!isFree) throw Object.assign(new Error(`${path} is there already`), { code: "EEXIST", dest: path });
    await rename(temporary, path);
  }
}

async function assertEmptyFolder(folder: string): Promise<void> {
  try {
    const [first] = await readdir(folder);
    if (first === undefined) return;
    const what = join(basename(folder), first);
    throw Object.assign(new Error(`${folder} is not empty: it has ${what}`), { code: "EEXIST" });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
