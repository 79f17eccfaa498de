import { utf8 } from "../bytes.ts";
import { crc32 } from "../crc32.ts";

/** A key field: at most 15 bytes and a NUL. */
export const NVS_KEY_SIZE = 16;
/** Longest key or namespace, without the NUL. */
export const NVS_KEY_LENGTH_MAX = 15;

/** A key or namespace for a look-up. */
export interface NvsKey {
  /** 16 bytes: at most 15 of the key, padded with NUL. */
  readonly bytes: Uint8Array;
  /** Length of the whole key in bytes, which may be more than the 15 that count in a look-up. */
  readonly lengthBytes: number;
}

/**
 * Returns a key from text. As a C string it ends at the first NUL; only its first 15 bytes count in a look-up
 * (`strncmp(…, 15)` in ESP-IDF's `Page::findItem`), though one that is longer can't be written.
 */
export function nvsKeyFromText(text: string): NvsKey {
  return nvsKeyFromBytes(utf8(text));
}

/** Returns a key from the bytes of a C string, or of an entry's key field. */
export function nvsKeyFromBytes(source: Uint8Array): NvsKey {
  const end = source.indexOf(0);
  const lengthBytes = end < 0 ? source.length : end;
  const bytes = new Uint8Array(NVS_KEY_SIZE);
  bytes.set(source.subarray(0, Math.min(lengthBytes, NVS_KEY_LENGTH_MAX)));
  return { bytes, lengthBytes };
}

/**
 * Returns `true` if a key field contains this key: the bytes up to the first NUL, at most 15, are equal.
 *
 * @param bytes - Where the field is.
 * @param offset - Where it begins; 16 bytes follow.
 */
export function hasNvsKey(bytes: Uint8Array, offset: number, key: NvsKey): boolean {
  for (let index = 0; index < NVS_KEY_LENGTH_MAX; index++) {
    const wanted = key.bytes[index];
    if (bytes[offset + index] !== wanted) return false;
    if (wanted === 0) return true;
  }
  return true;
}

/**
 * Returns the 24-bit hash that a page uses to find and compare its items (`Item::calculateCrc32WithoutValue`). It does
 * not include the type, and two keys may have the same hash.
 *
 * @param key - Key field, 16 bytes as stored.
 */
export function hashNvsKey(namespaceIndex: number, key: Uint8Array, chunkIndex: number): number {
  const input = new Uint8Array(NVS_KEY_SIZE + 2);
  input[0] = namespaceIndex;
  input.set(key, 1);
  input[NVS_KEY_SIZE + 1] = chunkIndex;
  return crc32(input, 0xffff_ffff) & 0xff_ffff;
}

/**
 * Returns the hash of an entry in flash.
 *
 * @param entry - 32 bytes.
 */
export function hashNvsEntry(entry: Uint8Array): number {
  return crc32(entry, crc32(entry, crc32(entry, 0xffff_ffff, 0, 1), 8, 24), 3, 4) & 0xff_ffff;
}

/** Decodes each byte as one character. */
const CHARACTERS: readonly string[] = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

/** Joins namespace and key of an item: equal for two items exactly if a look-up treats their keys as the same. */
export function nvsItemName({
  namespaceIndex,
  key,
}: {
  readonly namespaceIndex: number;
  readonly key: Uint8Array;
}): string {
  let name = `${namespaceIndex}:`;
  for (let index = 0; index < NVS_KEY_LENGTH_MAX; index++) {
    const byte = key[index] ?? 0;
    if (byte === 0) break;
    name += CHARACTERS[byte];
  }
  return name;
}
