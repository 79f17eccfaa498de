// SPDX-License-Identifier: MIT
#include "crc32.h"

#include "hex.h"

uint32_t tbo_crc32(const void *bytes, size_t length) {
  const uint8_t *at = bytes;
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < length; i++) {
    crc ^= at[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
  }
  return ~crc;
}

void tbo_crc32_digits(const void *bytes, size_t length, char digits[8]) {
  uint32_t crc = tbo_crc32(bytes, length);
  const uint8_t big_endian[4] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};
  tbo_hex_encode(big_endian, sizeof big_endian, digits);
}
