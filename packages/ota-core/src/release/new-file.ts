import { constants, writeFileSync } from "node:fs";
import { copyFile, open } from "node:fs/promises";

/**
 * Creates a file that must not be there yet, and sends its bytes to the disk.
 *
 * Everything that the packages write begins here or in the two functions below: a name that exists already is never
 * opened for writing, so that no symbolic link is followed (`O_EXCL`, open(2)). `test/writers.test.ts` searches the
 * sources for other writers.
 *
 * @param mode - Its permissions, on systems that have them.
 * @throws The file system's own errors; `EEXIST` where something has the name.
 */
export async function createFile(path: string, content: Uint8Array | string, mode = 0o666): Promise<void> {
  const handle = await open(path, "wx", mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates a file as {@link createFile} does, without waiting for the disk: for locks. */
export function createFileSync(path: string, content: string): void {
  writeFileSync(path, content, { flag: "wx" });
}

/** Creates a file with the bytes of another one, copied by the kernel, and sends them to the disk. */
export async function createCopy(from: string, path: string): Promise<void> {
  await copyFile(from, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  // Windows brings no file to the disk that was not opened for writing.
  const handle = await open(path, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
