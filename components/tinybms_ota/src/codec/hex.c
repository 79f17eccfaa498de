// SPDX-License-Identifier: MIT
#include "hex.h"

/** Returns the value of a lower-case hexadecimal digit, or 16 for any other character. */
static unsigned digit_value(char c) {
  if (c >= '0' && c <= '9') return (unsigned)(c - '0');
  return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

bool tbo_hex_decode(const char *text, uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    unsigned high = digit_value(text[2 * i]);
    unsigned low = digit_value(text[2 * i + 1]);
    if (high > 15 || low > 15) return false;
    bytes[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

void tbo_hex_encode(const uint8_t *bytes, size_t size, char *text) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < size; i++) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
}
