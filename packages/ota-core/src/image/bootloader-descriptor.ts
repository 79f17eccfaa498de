import { decodeUtf8, viewOf } from "../bytes.ts";

/** Size of a bootloader descriptor in bytes. */
export const BOOTLOADER_DESCRIPTOR_SIZE = 80;

/** Offset of the descriptor in a bootloader image, in bytes: after the image header and the header of segment 0. */
export const BOOTLOADER_DESCRIPTOR_OFFSET = 32;

/** First byte of a descriptor (`ESP_BOOTLOADER_DESC_MAGIC_BYTE`). */
const MAGIC = 0x50;

/**
 * The descriptor of a second-stage bootloader (`esp_bootloader_desc_t` of `esp_bootloader_desc.h`, ESP-IDF 5.2 and
 * later).
 */
export interface BootloaderDescriptor {
  /** `CONFIG_BOOTLOADER_PROJECT_VER`, uint32. */
  readonly version: number;
  /** Anti-rollback version of the bootloader itself, one byte. */
  readonly secureVersion: number;
  readonly idfVersion: string;
  /** Date and time of the build; may be empty. */
  readonly dateTime: string;
}

/**
 * Finds the descriptor of a bootloader image. Older bootloaders have other data there, so this function checks the text
 * fields as well as the magic byte.
 *
 * @param image - The image from its first byte.
 * @returns The descriptor, or `undefined` if the image has none.
 */
export function findBootloaderDescriptor(image: Uint8Array): BootloaderDescriptor | undefined {
  const end = BOOTLOADER_DESCRIPTOR_OFFSET + BOOTLOADER_DESCRIPTOR_SIZE;
  if (image.length < end) return undefined;
  const bytes = image.subarray(BOOTLOADER_DESCRIPTOR_OFFSET, end);
  const idfVersion = readText(bytes.subarray(8, 40));
  const dateTime = readText(bytes.subarray(40, 64));
  if (bytes[0] !== MAGIC || !idfVersion || dateTime === undefined) return undefined;
  return { version: viewOf(bytes).getUint32(4, true), secureVersion: bytes[3] ?? 0, idfVersion, dateTime };
}

/** Reads printable ASCII up to a NUL. Returns `undefined` for any other bytes. */
function readText(field: Uint8Array): string | undefined {
  const end = field.indexOf(0);
  const text = end < 0 ? undefined : decodeUtf8(field.subarray(0, end));
  return text !== undefined && /^[\x20-\x7e]*$/.test(text) ? text : undefined;
}
