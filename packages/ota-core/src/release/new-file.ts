import { constants, writeFileSync } from "node:fs";
import { copyFile, open } from "node:fs/promises";

/**
 * Creates a file that must not exist, and flushes its bytes to the disk.
 *
 * All files that the packages write are created here or in the two functions below. They never open an existing name
 * for writing, so that they follow no symbolic link (`O_EXCL`, open(2)). `test/writers.test.ts` searches the sources
 * for other writers.
 *
 * @param mode - Its permissions, on systems that support them. @defaultValue 0o666
 * @throws The file system's own errors; `EEXIST` if the name exists.
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

/** Creates a file like {@link createFile}, without flushing it to the disk, for locks. */
export function createFileSync(path: string, content: string): void {
  writeFileSync(path, content, { flag: "wx" });
}

/** Creates a copy of a file, made by the kernel, and flushes it to the disk. */
export async function createCopy(from: string, path: string): Promise<void> {
  await copyFile(from, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  // Windows flushes only files that are open for writing.
  const handle = await open(path, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
