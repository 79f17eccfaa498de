import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { OtaError } from "@tinybms/ota-core";

/** Image on disk with its size and hash from the release line. */
export interface ImagePlan {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 of the file, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** Bytes before and after the image in a body. Empty if the image is the body. */
export interface BodyFrame {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

/** Connection that sends a body. */
export interface BodyTaker {
  /** Called when the connection has accepted a piece, with `true` for the end of the body. */
  onTaken(isAll: boolean): void;
  /** Returns `true` if no accepted piece is waiting in this process's memory. */
  isDrained(): boolean;
}

/** Size of one read from the file, in bytes. */
const READ_SIZE = 256 * 1024;

/** Size of one piece, in bytes. A connection counts as alive if it accepts one piece within the timeout. */
const PIECE_SIZE = 64 * 1024;

/**
 * Opens an image for sending. The file stays open, so that replacing it during the delivery has no effect.
 *
 * @throws {@link OtaError} `delivery/image-unreadable`, or `delivery/image-mismatch` if the size differs.
 */
export async function openImageFile({ path, sizeBytes }: ImagePlan): Promise<FileHandle> {
  const file = await open(path, "r").catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    const { size } = await file.stat();
    if (size !== sizeBytes) throw mismatch(path, "size", `${sizeBytes} bytes`, `${size} bytes`);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Body of a request, read from disk as the connection accepts it, so that little of it is in memory.
 *
 * The image is hashed while it is read. Its last bytes are sent only if the hash matches; otherwise the stream ends
 * with `delivery/image-mismatch`. So a server never receives a complete request with a wrong image.
 */
export class ImageBody extends Readable {
  /** Length of the body with its frame, in bytes. */
  readonly lengthBytes: number;
  readonly #file: FileHandle;
  readonly #image: ImagePlan;
  readonly #frame: BodyFrame;
  readonly #onSent: (imageBytes: number) => void;
  readonly #hash = createHash("sha256");
  #taker: BodyTaker = { onTaken: () => {}, isDrained: () => false };
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** Part of the buffer that was not handed over yet. */
  #ready: Uint8Array = new Uint8Array(0);
  #stage: "head" | "image" | "tail" | "end" = "head";
  /** Bytes handed over, including the frame. */
  #handedOverBytes = 0;
  /** Bytes read from the file. */
  #readBytes = 0;

  /**
   * @param file - Result of {@link openImageFile}. The caller closes it.
   * @param onSent - Called with the number of accepted bytes of the image, from 0 to its size.
   */
  constructor(file: FileHandle, image: ImagePlan, frame: BodyFrame, onSent: (imageBytes: number) => void) {
    // No read-ahead: the connection asks for the next piece when it has accepted the previous one.
    super({ highWaterMark: 0 });
    this.lengthBytes = frame.head.length + image.sizeBytes + frame.tail.length;
    this.#file = file;
    this.#image = image;
    this.#frame = frame;
    this.#onSent = onSent;
  }

  /**
   * Returns `true` if the last byte was handed over. A server may answer before the connection reports it as accepted.
   */
  get isHandedOver(): boolean {
    return this.#handedOverBytes === this.lengthBytes;
  }

  /** Sets the connection that sends the body. A `data` listener instead would start the stream too early. */
  takenBy(taker: BodyTaker): void {
    this.#taker = taker;
  }

  override _read(): void {
    this.#next().then(
      (piece) => {
        this.#handedOverBytes += piece?.length ?? 0;
        this.#taker.onTaken(piece === null);
        this.push(piece);
      },
      (error: unknown) => {
        this.destroy(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  /** Returns the next piece; never an empty one, after which a stream is not read again. */
  async #next(): Promise<Uint8Array | null> {
    const { head, tail } = this.#frame;
    if (this.#stage === "head") {
      this.#stage = "image";
      this.#onSent(0);
      if (head.length > 0) return head;
    }
    if (this.#stage === "image") {
      const takenBytes = this.#readBytes - this.#ready.length;
      if (takenBytes > 0) this.#onSent(takenBytes);
      if (takenBytes < this.#image.sizeBytes) return await this.#nextPiece();
      this.#stage = "tail";
      if (tail.length > 0) return tail;
    }
    this.#stage = "end";
    return null;
  }

  async #nextPiece(): Promise<Uint8Array> {
    if (this.#ready.length === 0) {
      // Reuse the buffer: with a new one for each piece, memory use would depend on the garbage collector.
      const isFree = this.#buffer.length > 0 && this.readableLength === 0 && this.#taker.isDrained();
      if (!isFree) this.#buffer = new Uint8Array(READ_SIZE);
      this.#ready = await this.#fill(this.#buffer);
    }
    const piece = this.#ready.subarray(0, PIECE_SIZE);
    this.#ready = this.#ready.subarray(piece.length);
    return piece;
  }

  /** Fills a buffer from the file. Throws at the end of the image if its hash does not match. */
  async #fill(buffer: Uint8Array): Promise<Uint8Array> {
    const { path, sizeBytes, sha256 } = this.#image;
    const length = Math.min(buffer.length, sizeBytes - this.#readBytes);
    const { bytesRead } = await this.#file.read(buffer, 0, length, this.#readBytes).catch((cause: unknown) => {
      throw unreadable(path, cause);
    });
    if (bytesRead === 0) throw mismatch(path, "size", `${sizeBytes} bytes`, `${this.#readBytes} bytes`);
    const bytes = buffer.subarray(0, bytesRead);
    this.#hash.update(bytes);
    this.#readBytes += bytesRead;
    if (this.#readBytes < sizeBytes) return bytes;
    const actual = this.#hash.digest("hex");
    if (actual !== sha256) throw mismatch(path, "SHA-256", sha256, actual);
    return bytes;
  }
}

function mismatch(path: string, what: string, expected: string, actual: string): OtaError<"delivery/image-mismatch"> {
  const message = `${path} changed after it was checked: its ${what} is ${actual}; it must be ${expected}`;
  const hint = "do not change the release line during a delivery, and deploy again";
  return new OtaError("delivery/image-mismatch", message, { expected, actual }, { hint });
}

function unreadable(path: string, cause: unknown): OtaError<"delivery/image-unreadable"> {
  return new OtaError("delivery/image-unreadable", `${path} can't be read`, { file: path }, { cause });
}
