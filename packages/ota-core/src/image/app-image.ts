import { concatBytes, equalBytes, toHex, viewOf } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { sha256 } from "../sha256.ts";
import type { AppDescriptor } from "./app-descriptor.ts";
import { APP_DESCRIPTOR_OFFSET } from "./app-descriptor.ts";
import { APP_IMAGE_MAGIC, type AppImageHeader, buildAppImageHeader, SEGMENT_HEADER_SIZE } from "./app-image-header.ts";
import { chipById } from "./chips.ts";

/** The bootloader refuses an image with more segments (`ESP_IMAGE_MAX_SEGMENTS`). */
export const SEGMENTS_MAX = 16;

/** A segment's data must be smaller, in bytes, except on chips with 32-bit cache addresses (`SIXTEEN_MB`). */
export const SEGMENT_SIZE_LIMIT = 0x100_0000;

/** What a segment's data must be smaller than on a chip, in bytes; unknown chips are held to 16 MiB. */
export function segmentSizeLimit(chipId: number): number {
  return chipById(chipId)?.addresses32Bit === true ? 0xffff_ffff : SEGMENT_SIZE_LIMIT;
}

/** XOR of no bytes (`ESP_ROM_CHECKSUM_INITIAL`). */
export const CHECKSUM_INITIAL = 0xef;

/** One segment of an image. */
export interface AppImageSegment {
  /** Where it is mapped or copied to; 0 for padding. */
  readonly loadAddress: number;
  /** Where its data begins, in bytes from the start of the image. */
  readonly dataOffset: number;
  /** Size of its data in bytes, a multiple of 4. */
  readonly dataSize: number;
}

/** An app image, or any other image of its format, as found: a wrong checksum or hash is a value here. */
export interface AppImage {
  readonly header: AppImageHeader;
  /** In the order of the image. */
  readonly segments: readonly AppImageSegment[];
  /** XOR of all segment data, and where it is stored. */
  readonly checksum: { readonly offset: number; readonly stored: number; readonly computed: number };
  /** SHA-256 of everything up to and including the checksum, where one is appended. */
  readonly appendedHash?: { readonly offset: number; readonly stored: Uint8Array; readonly computed: Uint8Array };
  /** Size in bytes of header, segments, checksum and appended hash (`image_len`). */
  readonly imageSize: number;
  /** `undefined` where segment 0 doesn't begin with one: a bootloader, or an image of another kind. */
  readonly descriptor: AppDescriptor | undefined;
  /** How many bytes follow the image; the bootloader never looks at them, unless they are a signature. */
  readonly trailingSize: number;
}

/** What {@link encodeAppImage} puts together. */
export interface AppImageParts {
  /** Header fields; the number of segments and the presence of a hash are filled in. */
  readonly header: Omit<AppImageHeader, "magic" | "segmentCount" | "hashAppended">;
  /** Contents of the segments, each a multiple of 4 bytes. */
  readonly segments: readonly { readonly loadAddress: number; readonly data: Uint8Array }[];
  readonly hashAppended: boolean;
}

/**
 * Checks what protects an image's bytes: its checksum, then its appended hash if it has one.
 *
 * @throws {@link OtaError} `image/checksum-mismatch` or `image/hash-mismatch`.
 */
export function verifyAppImage(image: AppImage): void {
  const { checksum, appendedHash } = image;
  if (checksum.stored !== checksum.computed) {
    const message = `the checksum at ${checksum.offset} is ${hex(checksum.stored, 2)}, but the segments sum to ${hex(checksum.computed, 2)}`;
    throw new OtaError("image/checksum-mismatch", message, {
      offset: checksum.offset,
      expected: checksum.stored,
      actual: checksum.computed,
    });
  }
  if (appendedHash === undefined || equalBytes(appendedHash.stored, appendedHash.computed)) return;
  const [expected, actual] = [toHex(appendedHash.stored), toHex(appendedHash.computed)];
  const message = `the SHA-256 at ${appendedHash.offset} is ${expected}, but the image hashes to ${actual}`;
  throw new OtaError("image/hash-mismatch", message, { offset: appendedHash.offset, expected, actual });
}

/** The largest `secure_version` that a release can state; ESP-IDF's build takes 32 at most. */
const SECURE_VERSION_MAX = 0x7fff_ffff;

/**
 * Checks that an image is an app: the bootloader has no app descriptor, nor have images of other chip families.
 *
 * @throws {@link OtaError} `image/invalid`, with a message that says what else it may be, or for a secure version that
 *   no build has.
 */
export function assertAppImage(image: AppImage): asserts image is AppImage & { readonly descriptor: AppDescriptor } {
  if (image.descriptor !== undefined) {
    if (image.descriptor.secureVersion <= SECURE_VERSION_MAX) return;
    const message = `the secure version is ${image.descriptor.secureVersion}; it must be at most ${SECURE_VERSION_MAX}`;
    throw new OtaError("image/invalid", message, { offset: APP_DESCRIPTOR_OFFSET });
  }
  const guess =
    chipById(image.header.chipId) === undefined
      ? `and chip id ${hex(image.header.chipId, 4)} is none of an ESP32: perhaps an ESP8266 image, which begins with 0xe9 too`
      : "so this is a bootloader, or an image of another kind";
  throw new OtaError("image/invalid", `no app descriptor at ${hex(APP_DESCRIPTOR_OFFSET, 2)}, ${guess}`, {
    offset: APP_DESCRIPTOR_OFFSET,
  });
}

/**
 * Puts an image together: header, segments, zeros up to the checksum byte, and the hash (`esptool elf2image`).
 *
 * @returns The image; its size is a multiple of 16.
 * @throws {@link OtaError} `image/invalid` if there are more than 16 segments, a segment's size isn't a multiple of 4 or
 *   too large, or a value doesn't fit its field.
 */
export function encodeAppImage({ header, segments, hashAppended }: AppImageParts): Uint8Array {
  if (segments.length > SEGMENTS_MAX) {
    const message = `the image has ${segments.length} segments; it must have at most ${SEGMENTS_MAX}`;
    throw new OtaError("image/invalid", message, { offset: 1 });
  }
  const parts = [
    buildAppImageHeader({ ...header, magic: APP_IMAGE_MAGIC, segmentCount: segments.length, hashAppended }),
  ];
  let checksum = CHECKSUM_INITIAL;
  const sizeLimit = segmentSizeLimit(header.chipId);
  for (const [index, { loadAddress, data }] of segments.entries()) {
    const problem = segmentProblem(loadAddress, data.length, sizeLimit);
    if (problem !== undefined) throw new OtaError("image/invalid", `segment ${index}: ${problem}`, { offset: 0 });
    parts.push(buildSegmentHeader(loadAddress, data.length), data);
    checksum = xorBytes(checksum, data);
  }
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const padding = new Uint8Array(checksumPaddingSize(size));
  padding[padding.length - 1] = checksum;
  const summed = concatBytes([...parts, padding]);
  return hashAppended ? concatBytes([summed, sha256(summed)]) : summed;
}

/** How many bytes follow the last segment, checksum byte included, up to a multiple of 16: 1 to 16. */
export function checksumPaddingSize(sizeBytes: number): number {
  return 16 - (sizeBytes % 16);
}

/** XOR of `bytes` and the checksum so far; the same as ESP-IDF's word-wise one, folded. */
export function xorBytes(checksum: number, bytes: Uint8Array): number {
  const begin = Math.min(bytes.length, -bytes.byteOffset & 3);
  const wordCount = (bytes.length - begin) >>> 2;
  const end = begin + 4 * wordCount;
  let value = checksum;
  for (let index = 0; index < begin; index++) value ^= bytes[index] as number;
  for (let index = end; index < bytes.length; index++) value ^= bytes[index] as number;
  if (wordCount === 0) return value;
  // By words: XOR doesn't mind the order of their bytes.
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + begin, wordCount);
  let sum = 0;
  for (let index = 0; index < wordCount; index++) sum ^= words[index] as number;
  sum ^= sum >>> 16;
  return value ^ ((sum ^ (sum >>> 8)) & 0xff);
}

function buildSegmentHeader(loadAddress: number, dataSize: number): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_SIZE);
  const view = viewOf(bytes);
  view.setUint32(0, loadAddress, true);
  view.setUint32(4, dataSize, true);
  return bytes;
}

function segmentProblem(loadAddress: number, dataSize: number, sizeLimit: number): string | undefined {
  if (dataSize % 4 !== 0) return `its ${dataSize} bytes must be a multiple of 4`;
  if (dataSize >= sizeLimit) return `its ${dataSize} bytes must be less than ${sizeLimit}`;
  if (Number.isInteger(loadAddress) && loadAddress >= 0 && loadAddress <= 0xffff_ffff) return undefined;
  return `its load address ${loadAddress} must be a uint32`;
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}
