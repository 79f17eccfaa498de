import { closeSync, openSync, read, statSync } from "node:fs";
import { concatBytes, decodeUtf8 } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { positionAt } from "../json/strict-json.ts";
import { MANIFEST_SIZE_MAX, tooLarge } from "./document.ts";

/** Default size of the pieces in which a file is read, in bytes. */
const PIECE_SIZE = 1024 * 1024;

/**
 * Reads a whole file in pieces.
 *
 * @param signal - Ends the reading.
 * @param pieceSize - Maximum size of a piece in bytes. @defaultValue 1 MiB
 * @returns The pieces. A piece is valid until the next one is requested, because they share memory.
 * @throws The file system's own errors, and the signal's reason if it is aborted.
 */
export async function* piecesOf(
  file: string,
  signal?: AbortSignal,
  pieceSize: number = PIECE_SIZE,
): AsyncGenerator<Uint8Array, void, void> {
  const descriptor = openSync(file, "r");
  try {
    const buffer = new Uint8Array(pieceSize);
    for (;;) {
      signal?.throwIfAborted();
      const bytesRead = await readPiece(descriptor, buffer);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Reads the next bytes of a file. Does not block, unlike the calls that only look at a file. */
function readPiece(descriptor: number, buffer: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, buffer, 0, buffer.length, null, (error, bytesRead) => {
      if (error === null) resolve(bytesRead);
      else reject(error);
    });
  });
}

/**
 * Reads the text of a manifest file.
 *
 * @throws {@link OtaError} `manifest/not-found` if there is no such file.
 * @throws {@link OtaError} `manifest/unreadable` if it can't be read.
 * @throws {@link OtaError} `manifest/invalid` if it exceeds 1 MiB.
 * @throws {@link OtaError} `manifest/syntax` if it is not UTF-8.
 */
export async function readManifest(file: string): Promise<string> {
  const bytes = await readManifestBytes(file);
  const text = decodeUtf8(bytes);
  if (text !== undefined) return text;
  const lenient = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const { line, column } = positionAt(lenient, Math.max(0, lenient.indexOf("\ufffd")));
  throw new OtaError("manifest/syntax", `${file}:${line}:${column}: the text is not UTF-8`, { file, line, column });
}

/** Returns the `code` of a file system error, such as `ENOENT`, or an empty string for any other error. */
export function systemCodeOf(error: unknown): string {
  const hasCode = error instanceof Error && "code" in error && typeof error.code === "string";
  return hasCode ? String(error.code) : "";
}

/** Returns `true` if a file system error means that a file or folder does not exist. */
export function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(systemCodeOf(error));
}

/** Describes a file system error in words. */
export function reasonOf(error: unknown): string {
  const code = systemCodeOf(error);
  return REASONS[code] ?? (code === "" ? String(error) : code);
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "the disk quota is used up",
  EISDIR: "it is a folder",
  EIO: "the disk reports an error",
  ELOOP: "its symbolic links form a loop",
  EMFILE: "too many files are open",
  ENAMETOOLONG: "its name is too long",
  ENOENT: "there is no such file or folder",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of its path is not a folder",
  EPERM: "the operation is not permitted",
  EROFS: "the file system is read-only",
};

async function readManifestBytes(file: string): Promise<Uint8Array> {
  try {
    // Opening a named pipe would block.
    const found = statSync(file);
    if (!found.isFile()) throw unreadable(file, found.isDirectory() ? "it is a folder" : "it is not a regular file");
    if (found.size > MANIFEST_SIZE_MAX) throw tooLarge(file, found.size);
    const pieces: Uint8Array[] = [];
    let size = 0;
    // Room for one byte more: a file of size 0 may have content, in /proc for example.
    for await (const piece of piecesOf(file, undefined, found.size + 1)) {
      size += piece.length;
      if (size > MANIFEST_SIZE_MAX) throw tooLarge(file, size);
      pieces.push(piece.slice());
    }
    return concatBytes(pieces);
  } catch (error) {
    if (error instanceof OtaError) throw error;
    if (isMissing(error)) {
      throw new OtaError("manifest/not-found", `${file}: there is no such file`, { file }, { cause: error });
    }
    throw unreadable(file, reasonOf(error), error);
  }
}

function unreadable(file: string, reason: string, cause?: unknown): OtaError<"manifest/unreadable"> {
  return new OtaError("manifest/unreadable", `${file} can't be read: ${reason}`, { file }, { cause });
}
