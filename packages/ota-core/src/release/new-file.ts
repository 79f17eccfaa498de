import { closeSync, constants, copyFile, fsync, openSync, writeFileSync } from "node:fs";

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
  const descriptor = openSync(path, "wx", mode);
  try {
    writeFileSync(descriptor, content);
    await flush(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Creates a file like {@link createFile}, without flushing it to the disk, for locks. */
export function createFileSync(path: string, content: string): void {
  writeFileSync(path, content, { flag: "wx" });
}

/** Creates a copy of a file, made by the kernel, and flushes it to the disk. */
export async function createCopy(from: string, path: string): Promise<void> {
  const mode = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;
  await new Promise<void>((resolve, reject) => {
    copyFile(from, path, mode, (error) => (error === null ? resolve() : reject(error)));
  });
  // Windows flushes only files that are open for writing.
  const descriptor = openSync(path, "r+");
  try {
    await flush(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Flushes an open file, or an open folder's names, to the disk. */
export function flush(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(descriptor, (error) => (error === null ? resolve() : reject(error)));
  });
}
