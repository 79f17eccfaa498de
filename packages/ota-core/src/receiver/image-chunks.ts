import { Bitmap } from "../bitmap.ts";
import { parseChunk } from "../messages/chunk.ts";
import { chunkSizeAt, type HashList, parseHashList } from "../messages/hash-list.ts";
import { CHUNK_SIZE } from "../messages/timing.ts";
import { imageIdOf } from "../messages/topics.ts";
import type { Release } from "../schemas/types.generated.ts";
import { sha256 } from "../sha256.ts";
import { distrustFrontier } from "./distrust-frontier.ts";
import type { ChunkInWriting } from "./download-phase.ts";
import type { DropReason, ReceiverAction } from "./receiver-events.ts";

/** Result of {@link ImageChunks.admit}: a chunk to write, or why its message is dropped. */
export type ChunkAdmission =
  | { readonly kind: "admitted"; readonly chunk: ChunkInWriting }
  | { readonly kind: "dropped"; readonly reason: DropReason };

/**
 * The chunks of one image: which of them the slot lacks, and which messages bring one of those.
 *
 * Holds one bitmap and the hash list, and no chunk.
 */
export class ImageChunks {
  /** First 16 bytes of the image's SHA-256, as topics and messages name it. */
  readonly id: string;
  /** Chunks that the slot lacks; all of them at first. */
  readonly missing: Bitmap;
  readonly #image: Release["image"];
  readonly #sha256: (bytes: Uint8Array) => Uint8Array;
  #hashes: HashList | undefined;

  /**
   * @param image - The image, as its release describes it.
   * @param hash - Returns the SHA-256 of a chunk.
   */
  constructor(image: Release["image"], hash: (bytes: Uint8Array) => Uint8Array = sha256) {
    this.id = imageIdOf(image.sha256);
    this.#image = image;
    this.#sha256 = hash;
    this.missing = new Bitmap(Math.ceil(image.size / CHUNK_SIZE));
    this.missing.addAll();
  }

  /**
   * Keeps the image's hash list.
   *
   * @param image - Id of the image that the message's topic names.
   * @returns Why the message is dropped; `undefined` if it holds the list that the release commits to.
   */
  takeHashes(image: string, payload: Uint8Array): DropReason | undefined {
    if (image !== this.id) return "other-image";
    try {
      this.#hashes = parseHashList(payload, this.#image.size, this.#image.hash_list_sha256);
      return undefined;
    } catch {
      return "malformed";
    }
  }

  /** Decides whether a message brings a chunk that may be written now. Chunk 0 may be written last. */
  admit(payload: Uint8Array): ChunkAdmission {
    let chunk: ReturnType<typeof parseChunk>;
    try {
      chunk = parseChunk(payload);
    } catch {
      return { kind: "dropped", reason: "malformed" };
    }
    const { index, bytes } = chunk;
    const reason = chunk.deflate ? "unsupported" : this.#misfit(chunk.image, index, bytes);
    return reason === undefined ? { kind: "admitted", chunk: { index, bytes } } : { kind: "dropped", reason };
  }

  /** Returns `true` if these bytes are the chunk with this index. */
  matches(index: number, bytes: Uint8Array): boolean {
    return (
      bytes.length === chunkSizeAt(index, this.#image.size) &&
      this.#hashes?.matches(index, bytes, this.#sha256) === true
    );
  }

  /** Returns the action that reads a chunk back from the slot. */
  read(index: number): ReceiverAction {
    return { type: "read-flash", offset: index * CHUNK_SIZE, length: chunkSizeAt(index, this.#image.size) };
  }

  /**
   * Completes the missing chunks once every chunk in the slot was compared.
   *
   * @param isRepeated - The image was whole before, and was found to be wrong.
   * @param trustsFlash - See `DownloadOptions`.
   */
  endScan(isRepeated: boolean, trustsFlash: boolean): void {
    // Every chunk is right and the whole is wrong: fetched once more, all of it.
    if (isRepeated && this.missing.count === 0) this.missing.addAll();
    if (!trustsFlash) distrustFrontier(this.missing);
  }

  #misfit(image: string, index: number, bytes: Uint8Array): DropReason | undefined {
    if (!this.id.startsWith(image)) return "other-image";
    if (index >= this.missing.size) return "out-of-range";
    if (!this.missing.has(index)) return "duplicate";
    if (index === 0 && this.missing.count > 1) return "early";
    return this.matches(index, bytes) ? undefined : "hash-mismatch";
  }
}
