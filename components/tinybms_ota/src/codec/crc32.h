// SPDX-License-Identifier: MIT
#ifndef TBO_CODEC_CRC32_H
#define TBO_CODEC_CRC32_H

#include <stddef.h>
#include <stdint.h>

/** Returns the CRC-32 (IEEE 802.3) of some bytes, as in zlib and `esp_rom_crc32_le`. */
uint32_t tbo_crc32(const void *bytes, size_t length);

/**
 * Writes the CRC-32 of some bytes as eight lower-case hexadecimal digits, as texts in NVS begin.
 *
 * @param digits Receives eight characters, without a zero at the end.
 */
void tbo_crc32_digits(const void *bytes, size_t length, char digits[8]);

#endif
