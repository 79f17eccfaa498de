import { assert } from "../assert.ts";
import { concatBytes, equalBytes, toHex } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { createSha256, sha256 } from "../sha256.ts";
import { CHUNK_SIZE } from "./timing.ts";

/** Bytes of each chunk's SHA-256 that the hash list holds. */
export const CHUNK_HASH_SIZE = 16;

/** How many chunks an image of so many bytes has. */
export function chunkCountOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / CHUNK_SIZE);
}

/** Bytes of one chunk of an image: {@link CHUNK_SIZE}, fewer for the last, 0 for an index beyond the image. */
export function chunkSizeAt(index: number, sizeBytes: number): number {
  if (index < 0) return 0;
  return Math.max(0, Math.min(CHUNK_SIZE, sizeBytes - index * CHUNK_SIZE));
}

/** Makes a hash list of an image that comes in pieces; holds 16 bytes per chunk and none of the image. */
export interface HashListBuilder {
  /** Adds the next bytes of the image, as many as there are. They are not kept. */
  push(bytes: Uint8Array): void;
  /** The hash list. Ends this object. */
  finish(): Uint8Array;
}

/** Begins a hash list: for each chunk of the image, in order, the first 16 bytes of its SHA-256. */
export function createHashListBuilder(): HashListBuilder {
  const hashes: Uint8Array[] = [];
  let hash = createSha256();
  let filled = 0;
  const endChunk = (): void => {
    hashes.push(hash.digest().slice(0, CHUNK_HASH_SIZE));
    hash = createSha256();
    filled = 0;
  };
  return {
    push(bytes) {
      let rest = bytes;
      while (rest.length > 0) {
        const piece = rest.subarray(0, CHUNK_SIZE - filled);
        hash.update(piece);
        filled += piece.length;
        if (filled === CHUNK_SIZE) endChunk();
        rest = rest.subarray(piece.length);
      }
    },
    finish() {
      if (filled > 0) endChunk();
      return concatBytes(hashes);
    },
  };
}

/** The hash list of an image at hand. */
export function buildHashList(image: Uint8Array): Uint8Array {
  const builder = createHashListBuilder();
  builder.push(image);
  return builder.finish();
}

/** A hash list that was checked against the hash that a release commits to. */
export class HashList {
  /** Chunks of the image. */
  readonly count: number;
  /** The list as it travels: {@link CHUNK_HASH_SIZE} bytes per chunk. */
  readonly bytes: Uint8Array;
  readonly #sizeBytes: number;

  /**
   * @param bytes - The list; from elsewhere it comes through {@link parseHashList}.
   * @param sizeBytes - Bytes of the image.
   */
  constructor(bytes: Uint8Array, sizeBytes: number) {
    assert(bytes.length === chunkCountOf(sizeBytes) * CHUNK_HASH_SIZE, "a hash list has one hash per chunk");
    this.count = chunkCountOf(sizeBytes);
    this.bytes = bytes;
    this.#sizeBytes = sizeBytes;
  }

  /**
   * Whether bytes are the chunk at this place of the image.
   *
   * @param index - Position in chunks; one beyond the image matches nothing.
   * @param chunk - The plain bytes, without padding. Hashed only when there are as many as the chunk has.
   */
  matches(index: number, chunk: Uint8Array): boolean {
    if (!Number.isInteger(index) || index < 0 || index >= this.count) return false;
    if (chunk.length !== chunkSizeAt(index, this.#sizeBytes)) return false;
    const expected = this.bytes.subarray(index * CHUNK_HASH_SIZE, (index + 1) * CHUNK_HASH_SIZE);
    return equalBytes(sha256(chunk).subarray(0, CHUNK_HASH_SIZE), expected);
  }
}

/**
 * Reads a hash list message.
 *
 * @param payload - The whole message; the result keeps a copy.
 * @param sizeBytes - Bytes of the image, from a verified release.
 * @param expectedSha256 - The release's `hash_list_sha256`, 64 hexadecimal digits.
 * @throws OtaError `protocol/malformed` if it is not as long as the image needs (nothing is hashed then), or not the
 *   list that the release commits to.
 */
export function parseHashList(payload: Uint8Array, sizeBytes: number, expectedSha256: string): HashList {
  const size = chunkCountOf(sizeBytes) * CHUNK_HASH_SIZE;
  if (payload.length !== size)
    throw malformed("length", `it has ${payload.length} bytes; an image of ${sizeBytes} bytes needs ${size}`);
  // Not slice(): that of a Node.js Buffer is a view.
  const bytes = new Uint8Array(payload);
  const actual = toHex(sha256(bytes));
  if (actual !== expectedSha256.toLowerCase())
    throw malformed("sha256", `its SHA-256 is ${actual}; the release says ${expectedSha256}`);
  return new HashList(bytes, sizeBytes);
}

function malformed(path: string, reason: string): OtaError<"protocol/malformed"> {
  return new OtaError("protocol/malformed", `hash list: ${reason}`, { message: "hashes", path });
}
