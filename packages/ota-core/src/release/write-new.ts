import { access, link, mkdir, open, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isMissing, systemCodeOf } from "../manifest/load-file.ts";
import { syncFolder, temporaryPathOf } from "./write-atomically.ts";

/**
 * Writes a file that must not be there yet: after a crash at any moment it is there whole, or not at all. What has its
 * name already stays as it is.
 *
 * @param path - The file; its folder exists.
 * @param mode - Its permissions, on systems that have them.
 * @throws The file system's own errors; `EEXIST` where something has the name.
 */
export async function writeNewFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const temporary = temporaryPathOf(path);
  try {
    const handle = await open(temporary, "wx", mode);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await giveNewName(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(dirname(path));
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
    if (!isFree) throw Object.assign(new Error(`${path} is there already`), { code: "EEXIST" });
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
