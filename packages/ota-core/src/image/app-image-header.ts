import { viewOf } from "../bytes.ts";
import { OtaError } from "../errors.ts";

/** First byte of an app or bootloader image (`ESP_IMAGE_HEADER_MAGIC`). ESP8266 images begin with the same byte. */
export const APP_IMAGE_MAGIC = 0xe9;

/** Size of an image header in bytes. */
export const APP_IMAGE_HEADER_SIZE = 24;

/** Size of a segment header in bytes. */
export const SEGMENT_HEADER_SIZE = 8;

/** The header of an app or bootloader image (`esp_image_header_t` in ESP-IDF's `esp_app_format.h`, 24 bytes). */
export interface AppImageHeader {
  /** 0xE9. */
  readonly magic: number;
  /** Number of segments. The bootloader refuses more than 16. */
  readonly segmentCount: number;
  /** 0 QIO, 1 QOUT, 2 DIO, 3 DOUT, 4 fast read, 5 slow read. */
  readonly spiMode: number;
  /** Divider of the flash clock, 4 bits: 0 = 1/2, 1 = 1/3, 2 = 1/4, 15 = 1/1. */
  readonly spiSpeed: number;
  /** Flash size, 4 bits: 0 = 1 MB, 1 = 2 MB … 7 = 128 MB. Only the value in the bootloader's header has an effect. */
  readonly spiSize: number;
  /** Address where execution begins, uint32. */
  readonly entryAddress: number;
  /** 0xEE = disabled. */
  readonly wpPin: number;
  /** `spi_pin_drv`, three bytes for the ROM. */
  readonly spiPinDrive: readonly [number, number, number];
  /** `chip_id` of the target chip, uint16. */
  readonly chipId: number;
  /** `min_chip_rev`, one byte that current ESP-IDF ignores. */
  readonly minChipRevision: number;
  /** Lowest supported chip revision, major × 100 + minor. */
  readonly minChipRevisionFull: number;
  /** Highest supported chip revision, major × 100 + minor. 0 and 65535 mean "not set". */
  readonly maxChipRevisionFull: number;
  /** Four bytes, as a uint32. */
  readonly reserved: number;
  /** Whether a SHA-256 follows the checksum. Any byte other than 0 means `true`. */
  readonly hashAppended: boolean;
}

/** The header of a segment (`esp_image_segment_header_t`, 8 bytes). */
export interface SegmentHeader {
  /** Address to which the segment is mapped or copied, uint32; 0 for padding, which is not loaded. */
  readonly loadAddress: number;
  /** Size of the data that follows, in bytes, uint32. */
  readonly dataSize: number;
}

/**
 * Parses an image header. Does not check the number of segments.
 *
 * @param bytes - At least 24 bytes; only the first 24 are read.
 * @throws {@link OtaError} `image/truncated` if there are fewer bytes.
 * @throws {@link OtaError} `image/bad-magic` if the first byte isn't 0xE9.
 */
export function parseAppImageHeader(bytes: Uint8Array): AppImageHeader {
  if (bytes.length < APP_IMAGE_HEADER_SIZE) throw truncated("image header", APP_IMAGE_HEADER_SIZE, bytes.length);
  const view = viewOf(bytes);
  const magic = view.getUint8(0);
  assertAppImageMagic(magic);
  return {
    magic,
    segmentCount: view.getUint8(1),
    spiMode: view.getUint8(2),
    spiSpeed: view.getUint8(3) & 0x0f,
    spiSize: view.getUint8(3) >>> 4,
    entryAddress: view.getUint32(4, true),
    wpPin: view.getUint8(8),
    spiPinDrive: [view.getUint8(9), view.getUint8(10), view.getUint8(11)],
    chipId: view.getUint16(12, true),
    minChipRevision: view.getUint8(14),
    minChipRevisionFull: view.getUint16(15, true),
    maxChipRevisionFull: view.getUint16(17, true),
    reserved: view.getUint32(19, true),
    hashAppended: view.getUint8(23) !== 0,
  };
}

/**
 * Builds the 24 bytes of an image header.
 *
 * @throws {@link OtaError} `image/invalid` if a value doesn't fit its field.
 */
export function buildAppImageHeader(header: AppImageHeader): Uint8Array {
  const bytes = new Uint8Array(APP_IMAGE_HEADER_SIZE);
  const view = viewOf(bytes);
  const field = (name: string, value: number, bits: number, offset: number) => {
    if (Number.isInteger(value) && value >= 0 && value < 2 ** bits) return value;
    const message = `image header: ${name} is ${value}; it must be an integer from 0 to ${2 ** bits - 1}`;
    throw new OtaError("image/invalid", message, { offset });
  };
  view.setUint8(0, field("magic", header.magic, 8, 0));
  view.setUint8(1, field("segmentCount", header.segmentCount, 8, 1));
  view.setUint8(2, field("spiMode", header.spiMode, 8, 2));
  view.setUint8(3, field("spiSpeed", header.spiSpeed, 4, 3) | (field("spiSize", header.spiSize, 4, 3) << 4));
  view.setUint32(4, field("entryAddress", header.entryAddress, 32, 4), true);
  view.setUint8(8, field("wpPin", header.wpPin, 8, 8));
  header.spiPinDrive.forEach((drive, index) => {
    view.setUint8(9 + index, field(`spiPinDrive[${index}]`, drive, 8, 9 + index));
  });
  view.setUint16(12, field("chipId", header.chipId, 16, 12), true);
  view.setUint8(14, field("minChipRevision", header.minChipRevision, 8, 14));
  view.setUint16(15, field("minChipRevisionFull", header.minChipRevisionFull, 16, 15), true);
  view.setUint16(17, field("maxChipRevisionFull", header.maxChipRevisionFull, 16, 17), true);
  view.setUint32(19, field("reserved", header.reserved, 32, 19), true);
  view.setUint8(23, header.hashAppended ? 1 : 0);
  return bytes;
}

/**
 * Parses a segment header. Does not check the size.
 *
 * @param bytes - At least 8 bytes; only the first 8 are read.
 * @throws {@link OtaError} `image/truncated` if there are fewer bytes.
 */
export function parseSegmentHeader(bytes: Uint8Array): SegmentHeader {
  if (bytes.length < SEGMENT_HEADER_SIZE) throw truncated("segment header", SEGMENT_HEADER_SIZE, bytes.length);
  const view = viewOf(bytes);
  return { loadAddress: view.getUint32(0, true), dataSize: view.getUint32(4, true) };
}

/**
 * Checks the first byte of an image.
 *
 * @throws {@link OtaError} `image/bad-magic` if it isn't 0xE9.
 */
export function assertAppImageMagic(magic: number): void {
  if (magic === APP_IMAGE_MAGIC) return;
  const found = `0x${magic.toString(16).padStart(2, "0")}`;
  const seen = magic === 0xff ? `${found}, as erased flash does` : found;
  const message = `the image begins with ${seen}; it must begin with 0xe9`;
  throw new OtaError("image/bad-magic", message, { offset: 0, found: magic, expected: APP_IMAGE_MAGIC });
}

function truncated(what: string, needed: number, actual: number): OtaError<"image/truncated"> {
  return new OtaError("image/truncated", `the ${what} is ${actual} bytes; it must be ${needed}`, {
    offset: 0,
    needed,
    actual,
  });
}
