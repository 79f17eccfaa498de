import { stat } from "node:fs/promises";
import { toHex } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { createSha256 } from "../sha256.ts";
import { isMissing, piecesOf, reasonOf } from "./load-file.ts";

/** Which manifest names an artifact, and how it calls it; for messages. */
export interface ArtifactOrigin {
  readonly file: string;
  readonly name: string;
}

/** What is told of a file while it is read. */
export interface FileVisitor {
  /** Its size in bytes, before it is read. What this throws ends the reading. */
  readonly onSize?: (size: number) => void;
  /** Its bytes in order; a piece is valid until the next comes. */
  readonly onPiece?: (piece: Uint8Array) => void;
}

/**
 * Size and SHA-256 of an artifact's file, which is read once, a piece at a time: memory does not grow with it.
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
    // Opening a named pipe would wait for ever.
    const found = await stat(path);
    if (!found.isFile()) throw notFound(found.isDirectory() ? "it is a folder" : "it is no regular file");
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
