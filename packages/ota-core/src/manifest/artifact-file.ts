import { statSync } from "node:fs";
import { toHex } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { createSha256 } from "../sha256.ts";
import { isMissing, piecesOf, reasonOf } from "./load-file.ts";

/** The manifest that lists an artifact and the artifact's name in it, for messages. */
export interface ArtifactOrigin {
  readonly file: string;
  readonly name: string;
}

/** Callbacks during the reading of a file. */
export interface FileVisitor {
  /** Called with the size in bytes before the file is read. Throw to stop. */
  readonly onSize?: (size: number) => void;
  /** Called with the bytes in order. A piece is valid until the next call. */
  readonly onPiece?: (piece: Uint8Array) => void;
}

/**
 * Computes size and SHA-256 of an artifact's file. Reads it once, in pieces, so that memory does not grow with its
 * size.
 *
 * @returns The size in bytes, and the hash as 64 lower-case hexadecimal digits.
 * @throws {@link OtaError} `manifest/artifact-not-found` if it isn't there or can't be read; what the visitor throws.
 */
export async function measureArtifact(
  { file, name }: ArtifactOrigin,
  path: string,
  { onSize, onPiece }: FileVisitor = {},
): Promise<{ size: number; sha256: string }> {
  const notFound = (reason: string, cause?: unknown): OtaError<"manifest/artifact-not-found"> => {
    const message = `${file}: artifact ${name}: ${path}: ${reason}`;
    return new OtaError("manifest/artifact-not-found", message, { file, artifact: name, path }, { cause });
  };
  try {
    // Opening a named pipe would block.
    const found = statSync(path);
    if (!found.isFile()) throw notFound(found.isDirectory() ? "it is a folder" : "it is not a regular file");
    onSize?.(found.size);
    const hash = createSha256();
    let size = 0;
    for await (const piece of piecesOf(path)) {
      hash.update(piece);
      onPiece?.(piece);
      size += piece.length;
    }
    return { size, sha256: toHex(hash.digest()) };
  } catch (error) {
    if (error instanceof OtaError) throw error;
    throw notFound(isMissing(error) ? "there is no such file" : `it can't be read: ${reasonOf(error)}`, error);
  }
}
