import { concatBytes, equalBytes, toHex, viewOf } from "../bytes.ts";
import { OtaError } from "../errors.ts";
import { formatHex } from "../format-hex.ts";
import { sha256 } from "../sha256.ts";
import type { AppDescriptor } from "./app-descriptor.ts";
import { APP_DESCRIPTOR_OFFSET } from "./app-descriptor.ts";
import { APP_IMAGE_MAGIC, type AppImageHeader, buildAppImageHeader, SEGMENT_HEADER_SIZE } from "./app-image-header.ts";
import { chipById } from "./chips.ts";

/** Maximum number of segments that the bootloader accepts (`ESP_IMAGE_MAX_SEGMENTS`). */
export const SEGMENTS_MAX = 16;

/** Exclusive limit of a segment's data size in bytes, except on chips with 32-bit cache addresses (`SIXTEEN_MB`). */
export const SEGMENT_SIZE_LIMIT = 0x100_0000;

/**
 * Returns the exclusive limit of a segment's data size on a chip, in bytes; 16 MiB for unknown chips.
 *
 * @param chipId - `chip_id` of the image header.
 */
export function segmentSizeLimit(chipId: number): number {
  return chipById(chipId)?.addresses32Bit === true ? 0xffff_ffff : SEGMENT_SIZE_LIMIT;
}

/** Initial value of the checksum (`ESP_ROM_CHECKSUM_INITIAL`). */
export const CHECKSUM_INITIAL = 0xef;

/** One segment of an image. */
export interface AppImageSegment {
  /** Address to which it is mapped or copied; 0 for padding. */
  readonly loadAddress: number;
  /** Offset of its data in bytes from the start of the image. */
  readonly dataOffset: number;
  /** Size of its data in bytes, a multiple of 4. */
  readonly dataSize: number;
}

/** A parsed app image, or another image of the same format. Its checksum and hash may be wrong. */
export interface AppImage {
  readonly header: AppImageHeader;
  /** In the order of the image. */
  readonly segments: readonly AppImageSegment[];
  /** XOR of all segment data, and its offset in bytes. */
  readonly checksum: { readonly offset: number; readonly stored: number; readonly computed: number };
  /** SHA-256 of all bytes up to and including the checksum, if one is appended. `offset` in bytes. */
  readonly appendedHash?: { readonly offset: number; readonly stored: Uint8Array; readonly computed: Uint8Array };
  /** Size in bytes of header, segments, checksum and appended hash (`image_len`). */
  readonly imageSize: number;
  /** `undefined` if segment 0 doesn't begin with one: a bootloader, or an image of another kind. */
  readonly descriptor: AppDescriptor | undefined;
  /** Number of bytes after the image. The bootloader ignores them unless they are a signature. */
  readonly trailingSize: number;
}

/** Input of {@link encodeAppImage}. */
export interface AppImageParts {
  /** Header fields, without the ones that follow from the segments and from `hashAppended`. */
  readonly header: Omit<AppImageHeader, "magic" | "segmentCount" | "hashAppended">;
  /** Contents of the segments, each a multiple of 4 bytes. */
  readonly segments: readonly { readonly loadAddress: number; readonly data: Uint8Array }[];
  readonly hashAppended: boolean;
}

/**
 * Checks an image's checksum, then its appended hash if it has one.
 *
 * @throws {@link OtaError} `image/checksum-mismatch` if the checksum is wrong.
 * @throws {@link OtaError} `image/hash-mismatch` if the appended hash is wrong.
 */
export function verifyAppImage(image: AppImage): void {
  const { checksum, appendedHash } = image;
  if (checksum.stored !== checksum.computed) {
    const message = `the checksum at ${checksum.offset} is ${formatHex(checksum.stored, 2)}, but the segments sum to ${formatHex(checksum.computed, 2)}`;
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

/** Maximum `secure_version` of a release. ESP-IDF's build accepts at most 32. */
const SECURE_VERSION_MAX = 0x7fff_ffff;

/**
 * Checks that an image is an app. Bootloaders and images for other chip families have no app descriptor.
 *
 * @throws {@link OtaError} `image/invalid` if it has no app descriptor (the message says what it may be instead), or if
 *   its secure version is too large.
 */
export function assertAppImage(image: AppImage): asserts image is AppImage & { readonly descriptor: AppDescriptor } {
  if (image.descriptor !== undefined) {
    if (image.descriptor.secureVersion <= SECURE_VERSION_MAX) return;
    const message = `the secure version is ${image.descriptor.secureVersion}; it must be at most ${SECURE_VERSION_MAX}`;
    throw new OtaError("image/invalid", message, { offset: APP_DESCRIPTOR_OFFSET });
  }
  const guess =
    chipById(image.header.chipId) === undefined
      ? `and no chip of the ESP32 family has id ${formatHex(image.header.chipId, 4)}: perhaps an ESP8266 image, which also begins with 0xe9`
      : "so this is a bootloader, or an image of another kind";
  throw new OtaError("image/invalid", `no app descriptor at ${formatHex(APP_DESCRIPTOR_OFFSET, 2)}, ${guess}`, {
    offset: APP_DESCRIPTOR_OFFSET,
  });
}

/**
 * Encodes an image as `esptool elf2image` does: header, segments, zeros up to the checksum byte, and the hash.
 *
 * @returns The image; its size is a multiple of 16.
 * @throws {@link OtaError} `image/invalid` if there are more than 16 segments, a segment's size isn't a multiple of 4
 *   or too large, or a value doesn't fit its field.
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

/**
 * Returns the number of padding bytes after the last segment, checksum byte included: 1 to 16.
 *
 * @param sizeBytes - Size of header and segments in bytes.
 */
export function checksumPaddingSize(sizeBytes: number): number {
  return 16 - (sizeBytes % 16);
}

/**
 * Computes the XOR of `bytes` and a previous checksum. Equals ESP-IDF's XOR over words, folded to one byte.
 *
 * @param checksum - Checksum of the preceding bytes, one byte.
 */
export function xorBytes(checksum: number, bytes: Uint8Array): number {
  const begin = Math.min(bytes.length, -bytes.byteOffset & 3);
  const wordCount = (bytes.length - begin) >>> 2;
  const end = begin + 4 * wordCount;
  let value = checksum;
  for (let index = 0; index < begin; index++) value ^= bytes[index] as number;
  for (let index = end; index < bytes.length; index++) value ^= bytes[index] as number;
  if (wordCount === 0) return value;
  // Word by word for speed; the byte order does not affect an XOR.
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
