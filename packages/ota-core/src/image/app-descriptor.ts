import { decodeUtf8, utf8, viewOf } from "../bytes.ts";
import { OtaError } from "../errors.ts";

/** Size of an app descriptor in bytes. */
export const APP_DESCRIPTOR_SIZE = 256;

/** Offset of the app descriptor in an app image, in bytes: after the image header and the header of segment 0. */
export const APP_DESCRIPTOR_OFFSET = 32;

/** First word of an app descriptor (`ESP_APP_DESC_MAGIC_WORD`). */
export const APP_DESCRIPTOR_MAGIC = 0xabcd_5432;

/** An app descriptor (`esp_app_desc_t` in ESP-IDF's `esp_app_desc.h`, 256 bytes). */
export interface AppDescriptor {
  /** Anti-rollback version, uint32; 0 unless the project sets `CONFIG_BOOTLOADER_APP_SECURE_VERSION`. */
  readonly secureVersion: number;
  /** Version of the app, at most 32 bytes of UTF-8 (ESP-IDF's own build keeps to 31). */
  readonly version: string;
  /** Name of the project, at most 32 bytes of UTF-8 (ESP-IDF's own build keeps to 31). */
  readonly projectName: string;
  /** Build time in the format of `__TIME__`, at most 16 bytes; may be empty. */
  readonly time: string;
  /** Build date in the format of `__DATE__`, at most 16 bytes; may be empty. */
  readonly date: string;
  /** Version of ESP-IDF, at most 32 bytes. */
  readonly idfVersion: string;
  /** SHA-256 of the app's ELF file, 32 bytes. */
  readonly appElfSha256: Uint8Array;
  /** Lowest eFuse block revision that the app supports, major × 100 + minor. 0 and 65535 mean "not set". */
  readonly minEfuseBlockRevision: number;
  /** Highest eFuse block revision that the app supports, major × 100 + minor. 0 and 65535 mean "not set". */
  readonly maxEfuseBlockRevision: number;
  /** log2 of the MMU page size in bytes; 0 in older images, which means the chip's default. */
  readonly mmuPageSize: number;
  /** `CONFIG_ESPTOOLPY_FLASHMODE_VAL`: 1 QIO, 2 QOUT, 3 DIO, 4 DOUT, 5 OPI; 0 in older images. */
  readonly spiFlashMode: number;
  /** `reserv1`, 8 bytes at 8. */
  readonly reserved1: Uint8Array;
  /** `reserv3`, 2 bytes at 182. */
  readonly reserved3: Uint8Array;
  /** `reserv2`, 72 bytes at 184. */
  readonly reserved2: Uint8Array;
}

/** Offset and size in bytes of each text field. */
const TEXTS = {
  version: [16, 32],
  projectName: [48, 32],
  time: [80, 16],
  date: [96, 16],
  idfVersion: [112, 32],
} as const;

/** Offset and size in bytes of each field of raw bytes. */
const RAW = {
  reserved1: [8, 8],
  appElfSha256: [144, 32],
  reserved3: [182, 2],
  reserved2: [184, 72],
} as const;

/**
 * Parses an app descriptor.
 *
 * A text ends at its first NUL or at the end of its field. Bytes after that NUL are lost; all other bytes are kept.
 *
 * @param bytes - At least 256 bytes; only the first 256 are read. The result shares no memory with them.
 * @throws {@link OtaError} `image/truncated` if there are fewer bytes.
 * @throws {@link OtaError} `image/bad-magic` if the magic word is wrong.
 * @throws {@link OtaError} `image/invalid` if a text isn't UTF-8.
 *
 * In error details, `offset` counts from the start of the descriptor.
 */
export function parseAppDescriptor(bytes: Uint8Array): AppDescriptor {
  if (bytes.length < APP_DESCRIPTOR_SIZE) {
    const message = `the app descriptor is ${bytes.length} bytes; it must be ${APP_DESCRIPTOR_SIZE}`;
    throw new OtaError("image/truncated", message, { offset: 0, needed: APP_DESCRIPTOR_SIZE, actual: bytes.length });
  }
  const view = viewOf(bytes);
  const magic = view.getUint32(0, true);
  if (magic !== APP_DESCRIPTOR_MAGIC) {
    const message = `the app descriptor begins with 0x${magic.toString(16)}; it must be 0xabcd5432`;
    throw new OtaError("image/bad-magic", message, { offset: 0, found: magic, expected: APP_DESCRIPTOR_MAGIC });
  }
  return {
    secureVersion: view.getUint32(4, true),
    version: readText(bytes, "version"),
    projectName: readText(bytes, "projectName"),
    time: readText(bytes, "time"),
    date: readText(bytes, "date"),
    idfVersion: readText(bytes, "idfVersion"),
    appElfSha256: readRaw(bytes, "appElfSha256"),
    minEfuseBlockRevision: view.getUint16(176, true),
    maxEfuseBlockRevision: view.getUint16(178, true),
    mmuPageSize: view.getUint8(180),
    spiFlashMode: view.getUint8(181),
    reserved1: readRaw(bytes, "reserved1"),
    reserved3: readRaw(bytes, "reserved3"),
    reserved2: readRaw(bytes, "reserved2"),
  };
}

/**
 * Builds the 256 bytes of an app descriptor.
 *
 * @throws {@link OtaError} `image/invalid` if a value doesn't fit its field.
 */
export function buildAppDescriptor(descriptor: AppDescriptor): Uint8Array {
  const bytes = new Uint8Array(APP_DESCRIPTOR_SIZE);
  const view = viewOf(bytes);
  view.setUint32(0, APP_DESCRIPTOR_MAGIC, true);
  view.setUint32(4, integer(descriptor, "secureVersion", 0xffff_ffff, 4), true);
  for (const field of ["version", "projectName", "time", "date", "idfVersion"] as const) {
    const [offset, size] = TEXTS[field];
    bytes.set(textBytes(descriptor[field], field, offset, size), offset);
  }
  view.setUint16(176, integer(descriptor, "minEfuseBlockRevision", 0xffff, 176), true);
  view.setUint16(178, integer(descriptor, "maxEfuseBlockRevision", 0xffff, 178), true);
  view.setUint8(180, integer(descriptor, "mmuPageSize", 0xff, 180));
  view.setUint8(181, integer(descriptor, "spiFlashMode", 0xff, 181));
  for (const field of ["reserved1", "appElfSha256", "reserved3", "reserved2"] as const) {
    const [offset, size] = RAW[field];
    if (descriptor[field].length !== size) {
      throw invalid(`${field} is ${descriptor[field].length} bytes; it must be ${size}`, offset);
    }
    bytes.set(descriptor[field], offset);
  }
  return bytes;
}

function readText(bytes: Uint8Array, field: keyof typeof TEXTS): string {
  const [offset, size] = TEXTS[field];
  const bounded = bytes.subarray(offset, offset + size);
  const end = bounded.indexOf(0);
  const text = decodeUtf8(end === -1 ? bounded : bounded.subarray(0, end));
  if (text === undefined) throw invalid(`${field} isn't UTF-8`, offset);
  return text;
}

function readRaw(bytes: Uint8Array, field: keyof typeof RAW): Uint8Array {
  const [offset, size] = RAW[field];
  return Uint8Array.from(bytes.subarray(offset, offset + size));
}

function textBytes(text: string, field: string, offset: number, size: number): Uint8Array {
  const bytes = utf8(text);
  if (bytes.length > size)
    throw invalid(`${field} is ${bytes.length} bytes of UTF-8; it must be at most ${size}`, offset);
  if (bytes.includes(0)) throw invalid(`${field} holds a NUL, which ends a text`, offset);
  // UTF-8 can't encode a lone surrogate: it would be parsed as U+FFFD.
  if (decodeUtf8(bytes) !== text) throw invalid(`${field} isn't well-formed Unicode`, offset);
  return bytes;
}

function integer(descriptor: AppDescriptor, field: keyof AppDescriptor, max: number, offset: number): number {
  const value = descriptor[field];
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw invalid(`${field} is ${String(value)}; it must be an integer from 0 to ${max}`, offset);
}

function invalid(message: string, offset: number): OtaError<"image/invalid"> {
  return new OtaError("image/invalid", `app descriptor: ${message}`, { offset });
}
