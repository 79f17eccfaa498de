import { viewOf } from "@tinybms/ota-core";
import {
  APP_DESCRIPTOR_MAGIC,
  APP_DESCRIPTOR_OFFSET,
  APP_DESCRIPTOR_SIZE,
  type AppDescriptor,
  parseAppDescriptor,
} from "@tinybms/ota-core/esp";
import type { FlashReader } from "../flash/flash-reader.ts";

/** Texts of a descriptor, from its start: all between these offsets. */
const TEXTS_START = 16;
const TEXTS_END = 144;

/**
 * Reads the descriptor of the app at `partitionOffset`, as the device does: the magic word is all that is checked.
 *
 * @returns `undefined` if it isn't there or the flash ends before.
 */
export function readAppDescription(flash: FlashReader, partitionOffset: number): AppDescriptor | undefined {
  return toAppDescription(flash.read(partitionOffset + APP_DESCRIPTOR_OFFSET, APP_DESCRIPTOR_SIZE));
}

/**
 * The descriptor that 256 bytes hold. A device doesn't mind what its texts are; bytes that are no text read as `?` here.
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
