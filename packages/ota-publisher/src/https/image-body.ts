import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { OtaError } from "@tinybms/ota-core";

/** An image on disk, as the release line says it is. */
export interface ImagePlan {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 of the file, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** What goes before and after the image in a body; empty where the image is the body. */
export interface BodyFrame {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

/** The connection that a body goes out on. */
export interface BodyTaker {
  /** It took a piece, or the last one. */
  onTaken(isAll: boolean): void;
  /** Whether nothing that it took is still waiting in memory of ours to be sent. */
  isDrained(): boolean;
}

/** Bytes read from the file at a time. */
const READ_SIZE = 256 * 1024;

/** Bytes handed over at a time: a connection that takes one within a timeout is not taken for a dead one. */
const PIECE_SIZE = 64 * 1024;

/**
 * Opens an image that is to be sent. It stays open, so that a file that takes its place meanwhile changes nothing.
 *
 * @throws {@link OtaError} `delivery/image-unreadable`, or `delivery/image-mismatch` if it has another size.
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
 * The body of a request, read as fast as it is taken, so that little of it is in memory at a time.
 *
 * The image is hashed on its way. Its last bytes go out only if the hash is right, so that a server never has a whole
 * request with a wrong image: the stream ends with `delivery/image-mismatch` instead.
 */
export class ImageBody extends Readable {
  /** Bytes of the body, with its frame. */
  readonly lengthBytes: number;
  readonly #file: FileHandle;
  readonly #image: ImagePlan;
  readonly #frame: BodyFrame;
  readonly #onSent: (imageBytes: number) => void;
  readonly #hash = createHash("sha256");
  #taker: BodyTaker = { onTaken: () => {}, isDrained: () => false };
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** What of the buffer was not handed over yet. */
  #ready: Uint8Array = new Uint8Array(0);
  #stage: "head" | "image" | "tail" | "end" = "head";
  /** Bytes of the body, with its frame. */
  #handedOverBytes = 0;
  /** Bytes read from the file. */
  #readBytes = 0;

  /**
   * @param file - Of {@link openImageFile}; it is not closed here.
   * @param onSent - Called with the number of the image's bytes that were taken, from 0 to its size.
   */
  constructor(file: FileHandle, image: ImagePlan, frame: BodyFrame, onSent: (imageBytes: number) => void) {
    // No reading ahead: the connection asks for the next piece when it took the last one.
    super({ highWaterMark: 0 });
    this.lengthBytes = frame.head.length + image.sizeBytes + frame.tail.length;
    this.#file = file;
    this.#image = image;
    this.#frame = frame;
    this.#onSent = onSent;
  }

  /** Whether the last byte was handed over: a server can answer before we know that it was taken. */
  get isHandedOver(): boolean {
    return this.#handedOverBytes === this.lengthBytes;
  }

  /** Says who takes the body. A listener of `data` would set the stream flowing before anybody takes it. */
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

  /** The next piece; never an empty one, which would not be asked after. */
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
      // A buffer for each piece would leave it to the garbage collector how much memory a large image takes.
      const isFree = this.#buffer.length > 0 && this.readableLength === 0 && this.#taker.isDrained();
      if (!isFree) this.#buffer = new Uint8Array(READ_SIZE);
      this.#ready = await this.#fill(this.#buffer);
    }
    const piece = this.#ready.subarray(0, PIECE_SIZE);
    this.#ready = this.#ready.subarray(piece.length);
    return piece;
  }

  /** Reads on into a buffer; throws if these are the last bytes, and the image is not what it should be. */
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
  const hint = "let nothing write to the release line while it is delivered, and deploy again";
  return new OtaError("delivery/image-mismatch", message, { expected, actual }, { hint });
}

function unreadable(path: string, cause: unknown): OtaError<"delivery/image-unreadable"> {
  return new OtaError("delivery/image-unreadable", `${path} can't be read`, { file: path }, { cause });
}
