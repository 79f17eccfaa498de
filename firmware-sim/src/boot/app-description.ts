import { viewOf } from "@tinybms/ota-core";
import {
  APP_DESCRIPTOR_MAGIC,
  APP_DESCRIPTOR_OFFSET,
  APP_DESCRIPTOR_SIZE,
  type AppDescriptor,
  parseAppDescriptor,
} from "@tinybms/ota-core/esp";
import type { FlashReader } from "../flash/flash-reader.ts";

/** Range of the texts within a descriptor. */
const TEXTS_START = 16;
const TEXTS_END = 144;

/**
 * Reads the descriptor of the app at `partitionOffset`. Checks only the magic word, as the device does.
 *
 * @param partitionOffset - Offset of the partition in the flash, in bytes.
 * @returns `undefined` if there is no descriptor or the flash ends before it.
 */
export function readAppDescription(flash: FlashReader, partitionOffset: number): AppDescriptor | undefined {
  return toAppDescription(flash.read(partitionOffset + APP_DESCRIPTOR_OFFSET, APP_DESCRIPTOR_SIZE));
}

/**
 * Parses a descriptor of 256 bytes. A device does not validate the texts; here bytes that are not text become `?`.
 *
 * @returns `undefined` for fewer bytes or another magic word.
 */
export function toAppDescription(bytes: Uint8Array): AppDescriptor | undefined {
  if (bytes.length < APP_DESCRIPTOR_SIZE || viewOf(bytes).getUint32(0, true) !== APP_DESCRIPTOR_MAGIC) return undefined;
  try {
    return parseAppDescriptor(bytes);
  } catch {
    const plain = bytes.map((byte, index) => (index >= TEXTS_START && index < TEXTS_END && byte >= 0x80 ? 0x3f : byte));
    return parseAppDescriptor(plain);
  }
}
