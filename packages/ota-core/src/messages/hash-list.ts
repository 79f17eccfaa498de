import { assert } from "../assert.ts";
import { concatBytes, equalBytes, toHex } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { createSha256, sha256 } from "../sha256.ts";
import { CHUNK_SIZE } from "./timing.ts";

/** Size of one entry of a hash list in bytes: the first 16 bytes of a chunk's SHA-256. */
export const CHUNK_HASH_SIZE = 16;

/** Returns the number of chunks of an image of `sizeBytes` bytes. */
export function chunkCountOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / CHUNK_SIZE);
}

/**
 * Returns the size of a chunk in bytes: {@link CHUNK_SIZE}, less for the last chunk, 0 for an index outside the image.
 */
export function chunkSizeAt(index: number, sizeBytes: number): number {
  if (index < 0) return 0;
  return Math.max(0, Math.min(CHUNK_SIZE, sizeBytes - index * CHUNK_SIZE));
}

/** Incremental builder of an image's hash list. It keeps 16 bytes per chunk. */
export interface HashListBuilder {
  /** Hashes the next bytes of the image, any number of them. Does not keep a reference to them. */
  push(bytes: Uint8Array): void;
  /** Returns the hash list. The builder can't be used afterwards. */
  finish(): Uint8Array;
}

/** Creates a builder of a hash list: the first 16 bytes of the SHA-256 of each chunk, in order. */
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
        rest = rest.subarray(piece.length);
        // In one step, which is faster, where a chunk arrives whole.
        if (piece.length === CHUNK_SIZE) hashes.push(sha256(piece).slice(0, CHUNK_HASH_SIZE));
        else {
          hash.update(piece);
          filled += piece.length;
          if (filled === CHUNK_SIZE) endChunk();
        }
      }
    },
    finish() {
      if (filled > 0) endChunk();
      return concatBytes(hashes);
    },
  };
}

/** Builds the hash list of an image. */
export function buildHashList(image: Uint8Array): Uint8Array {
  const builder = createHashListBuilder();
  builder.push(image);
  return builder.finish();
}

/** The hash list of one image. {@link parseHashList} checks it against a release. */
export class HashList {
  /** Number of chunks of the image. */
  readonly count: number;
  /** The list as sent: {@link CHUNK_HASH_SIZE} bytes per chunk. */
  readonly bytes: Uint8Array;
  readonly #sizeBytes: number;

  /**
   * @param bytes - A trusted list. Use {@link parseHashList} for a received one.
   * @param sizeBytes - Size of the image in bytes.
   */
  constructor(bytes: Uint8Array, sizeBytes: number) {
    assert(bytes.length === chunkCountOf(sizeBytes) * CHUNK_HASH_SIZE, "a hash list has one hash per chunk");
    this.count = chunkCountOf(sizeBytes);
    this.bytes = bytes;
    this.#sizeBytes = sizeBytes;
  }

  /**
   * Returns `true` if bytes are the chunk at a position of the image.
   *
   * @param index - Position in chunks. Nothing matches outside the image.
   * @param chunk - The uncompressed bytes, without padding. Bytes of a wrong length are refused without hashing.
   * @param hash - Returns the SHA-256 of bytes.
   */
  matches(index: number, chunk: Uint8Array, hash: (bytes: Uint8Array) => Uint8Array = sha256): boolean {
    if (!Number.isInteger(index) || index < 0 || index >= this.count) return false;
    if (chunk.length !== chunkSizeAt(index, this.#sizeBytes)) return false;
    const expected = this.bytes.subarray(index * CHUNK_HASH_SIZE, (index + 1) * CHUNK_HASH_SIZE);
    return equalBytes(hash(chunk).subarray(0, CHUNK_HASH_SIZE), expected);
  }
}

/**
 * Parses a hash list message and checks it against a release.
 *
 * @param payload - The whole message, which is copied.
 * @param sizeBytes - Size of the image in bytes, from a verified release.
 * @param expectedSha256 - The release's `hash_list_sha256`, 64 hexadecimal digits.
 * @throws {@link OtaError} `protocol/malformed` if its length is wrong for the image (checked before hashing), or its
 *   SHA-256 is not the expected one.
 */
export function parseHashList(payload: Uint8Array, sizeBytes: number, expectedSha256: string): HashList {
  const size = chunkCountOf(sizeBytes) * CHUNK_HASH_SIZE;
  if (payload.length !== size)
    throw malformed("length", `it has ${payload.length} bytes; an image of ${sizeBytes} bytes needs ${size}`);
  // Not slice(), which returns a view of a Node.js Buffer.
  const bytes = new Uint8Array(payload);
  const actual = toHex(sha256(bytes));
  if (actual !== expectedSha256.toLowerCase())
    throw malformed("sha256", `its SHA-256 is ${actual}; the release says ${expectedSha256}`);
  return new HashList(bytes, sizeBytes);
}

function malformed(path: string, reason: string): OtaError<"protocol/malformed"> {
  return new OtaError("protocol/malformed", `hash list: ${reason}`, { message: "hashes", path });
}
