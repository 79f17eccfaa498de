const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ 0xedb88320;
  return value;
});

/**
 * Computes the CRC-32 of bytes as `esp_rom_crc32_le(seed, bytes)` and `zlib.crc32(bytes, seed)` do (polynomial
 * 0xEDB88320, reflected).
 *
 * ESP-IDF uses two variants: seed 0 for secure-boot signature blocks, seed 0xFFFFFFFF for otadata and NVS.
 *
 * @param bytes - Array that contains the range.
 * @param seed - CRC of the preceding bytes. @defaultValue 0, which starts a standard CRC-32
 * @param begin - Index of the first byte. @defaultValue 0
 * @param end - Index after the last byte. @defaultValue The length of `bytes`.
 * @returns The CRC, uint32.
 */
export function crc32(bytes: Uint8Array, seed = 0, begin = 0, end: number = bytes.length): number {
  let value = ~seed;
  for (let index = begin; index < end; index++) {
    value = (value >>> 8) ^ (TABLE[(value ^ (bytes[index] as number)) & 0xff] as number);
  }
  return ~value >>> 0;
}
