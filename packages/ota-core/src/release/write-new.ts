import { access, link, lstat, mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isMissing, systemCodeOf } from "../manifest/load-file.ts";
import { createFile } from "./new-file.ts";
import { type Leftover, leftoversIn, removeLeftovers, syncFolder, temporaryPathOf } from "./write-atomically.ts";

/** A file that must not be there yet. */
export interface NewFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Its permissions, on systems that have them. */
  readonly mode: number;
}

/**
 * Writes a file that must not be there yet: after a crash at any moment it is there whole, or not at all. What has its
 * name already stays as it is.
 *
 * @param path - The file; its folder exists.
 * @param mode - Its permissions, on systems that have them.
 * @throws The file system's own errors; `EEXIST` where something has the name.
 */
export async function writeNewFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  await writeNewFiles([{ path, bytes, mode }]);
}

/**
 * Writes several files of one folder that must not be there yet: all of them or none. All are on the disk before the
 * first gets its name. A process killed while it gives the names leaves some of them: the next call in this folder takes
 * those back, unless all are there.
 *
 * @param files - The folder exists. The last is the one that makes the others worth having.
 * @throws The file system's own errors; `EEXIST` where something has one of the names.
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
    // The last first: as long as it is there, what has a name already is known not to be all.
    for (const { temporary } of prepared.toReversed()) await rm(temporary, { force: true });
  }
  await syncFolder(folder);
}

/**
 * Takes back the names that a killed process gave to some of its files and not to all: a temporary file whose name is
 * still free says so, and a file that shares its blocks with another temporary file of that process is one of them.
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

/** Whether a temporary file was given its name: both are the same file. */
async function hasName({ temporary, target }: Leftover): Promise<boolean> {
  try {
    const [left, right] = await Promise.all([lstat(temporary), lstat(target)]);
    return left.ino === right.ino && left.dev === right.dev;
  } catch {
    return false;
  }
}

/**
 * Makes a folder that must not be there yet, or is empty, with all that belongs into it: after a crash at any moment it
 * is there whole, or not at all. Folders above it are made where they are missing.
 *
 * @param path - The folder. Only its owner can look into it.
 * @param fill - Puts the files into the folder that it is given, which is beside `path` until it is whole.
 * @throws The file system's own errors, `EEXIST` where the folder has files, and what `fill` throws.
 */
export async function writeNewFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const target = resolve(path);
  await mkdir(dirname(target), { recursive: true });
  await removeLeftovers(dirname(target));
  await refuseFilled(target);
  const temporary = temporaryPathOf(target);
  await mkdir(temporary, { mode: 0o700 });
  try {
    await fill(temporary);
    await syncFolder(temporary);
    // Windows gives no folder the name of another, even of an empty one.
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

/** `link` fails where `rename` would replace a file. */
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

async function refuseFilled(folder: string): Promise<void> {
  try {
    const [first] = await readdir(folder);
    if (first === undefined) return;
    const what = join(basename(folder), first);
    throw Object.assign(new Error(`${folder} is not empty: it has ${what}`), { code: "EEXIST" });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
