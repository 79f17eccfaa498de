import { viewOf } from "../bytes.ts";
import { isOtaError, OtaError } from "../errors.ts";
import { createSha256, type Sha256 } from "../sha256.ts";
import {
  APP_DESCRIPTOR_MAGIC,
  APP_DESCRIPTOR_OFFSET,
  APP_DESCRIPTOR_SIZE,
  type AppDescriptor,
  parseAppDescriptor,
} from "./app-descriptor.ts";
import {
  type AppImage,
  type AppImageSegment,
  CHECKSUM_INITIAL,
  checksumPaddingSize,
  SEGMENTS_MAX,
  segmentSizeLimit,
  xorBytes,
} from "./app-image.ts";
import {
  APP_IMAGE_HEADER_SIZE,
  type AppImageHeader,
  assertAppImageMagic,
  parseAppImageHeader,
  parseSegmentHeader,
  SEGMENT_HEADER_SIZE,
} from "./app-image-header.ts";
import { chipById } from "./chips.ts";

/** Result of scanning a whole file. */
export interface AppImageReport {
  readonly image: AppImage;
  /** Size of the file in bytes: the image and any bytes after it. */
  readonly fileSize: number;
  /** SHA-256 of the file, 32 bytes. */
  readonly fileSha256: Uint8Array;
}

/** Incremental parser for an image in pieces of any size. It reads each byte once and keeps a few hundred bytes. */
export interface AppImageScanner {
  /**
   * Reads the next bytes of the file. Does not keep a reference to them.
   *
   * @throws {@link OtaError} `image/bad-magic` if the first byte of the file isn't 0xE9.
   * @throws {@link OtaError} `image/invalid` as soon as the structure is known to be wrong.
   */
  push(bytes: Uint8Array): void;
  /**
   * Ends the scan and returns its result.
   *
   * @throws {@link OtaError} `image/truncated` if the file ended inside the image.
   */
  finish(): AppImageReport;
}

/**
 * Creates a scanner for a file that contains an image, possibly with more bytes after it.
 *
 * The scanner reports checksum and appended hash as stored and as computed. `verifyAppImage` compares them.
 */
export function createAppImageScanner(): AppImageScanner {
  const reader = new AppImageReader();
  let fileSize = 0;
  return {
    push(bytes) {
      const used = reader.read(bytes);
      if (used < bytes.length) reader.hash.update(bytes.subarray(used));
      fileSize += bytes.length;
    },
    finish() {
      return { image: reader.image(fileSize), fileSize, fileSha256: reader.hash.digest() };
    },
  };
}

/**
 * Parses an image, possibly with more bytes after it. Checks only the structure: a wrong checksum or hash is not an
 * error here.
 *
 * @param bytes - The image from its first byte. The result shares no memory with them.
 * @throws {@link OtaError} `image/bad-magic` if the first byte isn't 0xE9.
 * @throws {@link OtaError} `image/invalid` if the segment count, a segment size or the descriptor is invalid.
 * @throws {@link OtaError} `image/truncated` if the bytes end inside the image.
 */
export function parseAppImage(bytes: Uint8Array): AppImage {
  const reader = new AppImageReader();
  reader.read(bytes);
  return reader.image(bytes.length);
}

/** Part of an image. */
type Part = "header" | "segment-header" | "segment-data" | "padding" | "hash" | "end";

class AppImageReader {
  /** Hash of every byte read so far. The caller updates it with the bytes after the image. */
  readonly hash: Sha256 = createSha256();
  #part: Part = "header";
  #partStart = 0;
  #partEnd = APP_IMAGE_HEADER_SIZE;
  #position = 0;
  /** The bytes of the current part, if it is small, or of the app descriptor. */
  readonly #kept = new Uint8Array(APP_DESCRIPTOR_SIZE);
  #header: AppImageHeader | undefined;
  readonly #segments: AppImageSegment[] = [];
  #descriptor: AppDescriptor | undefined;
  #computedChecksum = CHECKSUM_INITIAL;
  #checksum: AppImage["checksum"] | undefined;
  #computedHash: Uint8Array | undefined;
  #appendedHash: AppImage["appendedHash"];

  /** Reads the next bytes. Returns how many of them belong to the image. */
  read(bytes: Uint8Array): number {
    let used = 0;
    while (this.#part !== "end") {
      const piece = bytes.subarray(used, used + this.#partEnd - this.#position);
      if (piece.length > 0) this.#take(piece);
      used += piece.length;
      if (this.#position < this.#partEnd) break;
      this.#endPart();
    }
    return used;
  }

  image(fileSize: number): AppImage {
    const [header, checksum, imageSize] = [this.#header, this.#checksum, this.#partEnd];
    if (this.#part !== "end" || header === undefined || checksum === undefined) throw this.#truncated(fileSize);
    const image = {
      header,
      segments: this.#segments,
      checksum,
      imageSize,
      descriptor: this.#descriptor,
      trailingSize: fileSize - imageSize,
    };
    return this.#appendedHash === undefined ? image : { ...image, appendedHash: this.#appendedHash };
  }

  #take(piece: Uint8Array): void {
    if (this.#position === 0) assertAppImageMagic(piece[0] ?? 0);
    this.hash.update(piece);
    const offset = this.#position - this.#partStart;
    if (offset < this.#kept.length) this.#kept.set(piece.subarray(0, this.#kept.length - offset), offset);
    if (this.#part === "segment-data") this.#computedChecksum = xorBytes(this.#computedChecksum, piece);
    this.#position += piece.length;
  }

  /** Checks the part that has just been read and begins the next one. */
  #endPart(): void {
    switch (this.#part) {
      case "header":
        this.#endHeader();
        break;
      case "segment-header":
        this.#endSegmentHeader();
        break;
      case "segment-data":
        this.#endSegmentData();
        break;
      case "padding":
        this.#endPadding();
        break;
      case "hash":
        this.#endHash();
        break;
      case "end":
        break;
    }
  }

  #endHeader(): void {
    const header = parseAppImageHeader(this.#kept);
    this.#header = header;
    if (header.segmentCount > SEGMENTS_MAX) {
      throw this.#invalid(`the image has ${header.segmentCount} segments; it must have at most ${SEGMENTS_MAX}`, 1);
    }
    this.#beginSegment();
  }

  #beginSegment(): void {
    const isLast = this.#segments.length === this.#header?.segmentCount;
    if (isLast) this.#begin("padding", checksumPaddingSize(this.#position));
    else this.#begin("segment-header", SEGMENT_HEADER_SIZE);
  }

  #endSegmentHeader(): void {
    const { loadAddress, dataSize } = parseSegmentHeader(this.#kept);
    const index = this.#segments.length;
    if (dataSize % 4 !== 0) {
      throw this.#invalid(`segment ${index} is ${dataSize} bytes; it must be a multiple of 4`, this.#partStart + 4);
    }
    const limit = segmentSizeLimit(this.#header?.chipId ?? 0);
    if (dataSize >= limit) {
      throw this.#invalid(`segment ${index} is ${dataSize} bytes; it must be less than ${limit}`, this.#partStart + 4);
    }
    this.#segments.push({ loadAddress, dataOffset: this.#position, dataSize });
    this.#begin("segment-data", dataSize);
  }

  #endSegmentData(): void {
    if (this.#segments.length === 1) this.#descriptor = this.#findDescriptor();
    this.#beginSegment();
  }

  #findDescriptor(): AppDescriptor | undefined {
    const dataSize = this.#partEnd - this.#partStart;
    if (dataSize < APP_DESCRIPTOR_SIZE || viewOf(this.#kept).getUint32(0, true) !== APP_DESCRIPTOR_MAGIC)
      return undefined;
    try {
      return parseAppDescriptor(this.#kept);
    } catch (error) {
      if (!isOtaError(error, "image/invalid")) throw error;
      throw this.#invalid(error.message, APP_DESCRIPTOR_OFFSET + error.details.offset);
    }
  }

  #endPadding(): void {
    const stored = this.#kept[this.#partEnd - this.#partStart - 1] ?? 0;
    this.#checksum = { offset: this.#partEnd - 1, stored, computed: this.#computedChecksum };
    if (this.#header?.hashAppended === true) {
      this.#computedHash = this.hash.copy().digest();
      this.#begin("hash", 32);
    } else {
      this.#begin("end", 0);
    }
  }

  #endHash(): void {
    const stored = this.#kept.slice(0, 32);
    this.#appendedHash = { offset: this.#partStart, stored, computed: this.#computedHash ?? new Uint8Array() };
    this.#begin("end", 0);
  }

  #begin(part: Part, size: number): void {
    this.#part = part;
    this.#partStart = this.#position;
    this.#partEnd = this.#position + size;
  }

  #truncated(fileSize: number): OtaError<"image/truncated"> {
    const message = `the image ends at ${fileSize}, inside ${this.#describePart()}; it must go on to ${this.#partEnd} at least`;
    const details = { offset: this.#partStart, needed: this.#partEnd, actual: fileSize };
    return new OtaError("image/truncated", message, details, this.#hint());
  }

  #invalid(message: string, offset: number): OtaError<"image/invalid"> {
    return new OtaError("image/invalid", `${message} (offset ${offset})`, { offset }, this.#hint());
  }

  #describePart(): string {
    if (this.#part === "segment-header") return `the header of segment ${this.#segments.length}`;
    if (this.#part === "segment-data") return `the data of segment ${this.#segments.length - 1}`;
    return { header: "its header", padding: "the padding before its checksum", hash: "its SHA-256", end: "nothing" }[
      this.#part
    ];
  }

  /** Returns a hint for an unknown chip id: in an ESP8266 image, a segment header lies there. */
  #hint(): { hint?: string } {
    if (this.#header === undefined || chipById(this.#header.chipId) !== undefined) return {};
    const chipId = `0x${this.#header.chipId.toString(16).padStart(4, "0")}`;
    return {
      hint: `no chip of the ESP32 family has id ${chipId}: perhaps an ESP8266 image, which also begins with 0xe9`,
    };
  }
}
