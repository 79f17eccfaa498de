import { closeSync, openSync, readSync } from "node:fs";
import {
  assertAppImage,
  CHUNK_SIZE,
  chunkSizeAt,
  createAppImageScanner,
  createHashListBuilder,
  isOtaError,
  OtaError,
  toHex,
  verifyAppImage,
} from "@tinybms/ota-core";

/** An app image on disk, with what an offer says of it. */
export interface ImageFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 of the file, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** For each chunk in order the first 16 bytes of its SHA-256. */
  readonly hashList: Uint8Array;
  /** `chip_id` of the image header. */
  readonly chipId: number;
  /** `secure_version` of the app descriptor. */
  readonly secureVersion: number;
  /** `project_name` of the app descriptor: devices compare it with their own. */
  readonly projectName: string;
  /**
   * The bytes of one chunk, in full and in memory of their own.
   *
   * @throws {@link OtaError} `image/truncated` if the file became shorter since it was opened.
   */
  readChunk(index: number): Uint8Array;
  close(): void;
}

/** Size of a flash sector, to which a signature is aligned, and of the signature itself, in bytes. */
const SECTOR_SIZE = 4096;

/** First byte of a signature block (ESP-IDF `ets_secure_boot_sig_block_t`). */
const SIGNATURE_MAGIC = 0xe7;

/** Bytes read at a time while chunks are sent. */
const READ_AHEAD_SIZE = 32 * CHUNK_SIZE;

/** Bytes read at a time while the image is measured. */
const PIECE_SIZE = 256 * 1024;

/**
 * Opens and measures an image that is to be delivered. The file stays open, so that one that takes its place while the
 * delivery runs changes nothing.
 *
 * @throws {@link OtaError} `image/…` if it is no sound app image, or has more after its end than a signature sector;
 *   `manifest/artifact-not-found` if it can't be opened.
 */
export function openImage(path: string, artifact: { readonly file: string; readonly name: string }): ImageFile {
  const descriptor = open(path, artifact);
  try {
    const { sizeBytes, ...measured } = measure(descriptor);
    return {
      path,
      sizeBytes,
      ...measured,
      readChunk: chunkReader(descriptor, sizeBytes, path),
      close: () => closeSync(descriptor),
    };
  } catch (error) {
    closeSync(descriptor);
    if (!isOtaError(error)) throw error;
    const { code, details, hint } = error;
    throw new OtaError(
      code,
      `${path}: ${error.message}`,
      details,
      hint === undefined ? { cause: error } : { cause: error, hint },
    );
  }
}

function open(path: string, { file, name }: { readonly file: string; readonly name: string }): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    const message = `${file}: artifact ${name}: ${path} can't be opened`;
    throw new OtaError("manifest/artifact-not-found", message, { file, artifact: name, path }, { cause });
  }
}

type Measured = Omit<ImageFile, "path" | "readChunk" | "close">;

function measure(descriptor: number): Measured {
  const scanner = createAppImageScanner();
  const hashes = createHashListBuilder();
  const buffer = new Uint8Array(PIECE_SIZE);
  for (;;) {
    const size = readSync(descriptor, buffer);
    if (size === 0) break;
    scanner.push(buffer.subarray(0, size));
    hashes.push(buffer.subarray(0, size));
  }
  const { image, fileSize, fileSha256 } = scanner.finish();
  assertAppImage(image);
  verifyAppImage(image);
  if (!endsWithImage(descriptor, image.imageSize, fileSize)) throw refuseTrailing(image.imageSize, image.trailingSize);
  return {
    sizeBytes: fileSize,
    sha256: toHex(fileSha256),
    hashList: hashes.finish(),
    chipId: image.header.chipId,
    secureVersion: image.descriptor.secureVersion,
    projectName: image.descriptor.projectName,
  };
}

/**
 * Whether the file ends where ESP-IDF measures the image to end: with it, or with the sector of its signature
 * (`esp_image_format.c`, `process_appended_hash_and_sig`).
 */
function endsWithImage(descriptor: number, imageSize: number, fileSize: number): boolean {
  if (fileSize === imageSize) return true;
  const signatureOffset = Math.ceil(imageSize / SECTOR_SIZE) * SECTOR_SIZE;
  if (fileSize !== signatureOffset + SECTOR_SIZE) return false;
  return readAt(descriptor, signatureOffset, 1)[0] === SIGNATURE_MAGIC;
}

function refuseTrailing(imageSize: number, trailingSize: number): OtaError<"image/invalid"> {
  const message = `${trailingSize} bytes follow the image, which ends at ${imageSize}; only a signature sector may follow it`;
  const hint =
    "a device measures the image that it runs, without what follows, and could never tell that it has this file: package build/<project>.bin itself";
  return new OtaError("image/invalid", message, { offset: imageSize }, { hint });
}

/** Reads chunks by position, some ahead: a round goes through them in order. */
function chunkReader(descriptor: number, sizeBytes: number, path: string): (index: number) => Uint8Array {
  let piece = { offset: 0, bytes: new Uint8Array(0) };
  return (index) => {
    const offset = index * CHUNK_SIZE;
    const needed = chunkSizeAt(index, sizeBytes);
    const start = offset - piece.offset;
    if (start >= 0 && start + needed <= piece.bytes.length) return piece.bytes.subarray(start, start + needed);
    // A new array each time: the chunks of the last one may still be on their way out.
    piece = { offset, bytes: readAt(descriptor, offset, Math.min(READ_AHEAD_SIZE, sizeBytes - offset)) };
    if (piece.bytes.length >= needed) return piece.bytes.subarray(0, needed);
    const message = `${path} became shorter while it was delivered: at ${offset} there must be ${needed} bytes`;
    throw new OtaError("image/truncated", message, { offset, needed, actual: piece.bytes.length });
  };
}

function readAt(descriptor: number, offset: number, length: number): Uint8Array<ArrayBuffer> {
  if (!(offset >= 0 && length > 0)) return new Uint8Array(0);
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
}
