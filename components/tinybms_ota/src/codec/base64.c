// SPDX-License-Identifier: MIT
#include "base64.h"

/** Returns the value of a base64 character, or 64 for any other character. */
static unsigned value_of(char c) {
  if (c >= 'A' && c <= 'Z') return (unsigned)(c - 'A');
  if (c >= 'a' && c <= 'z') return (unsigned)(c - 'a' + 26);
  if (c >= '0' && c <= '9') return (unsigned)(c - '0' + 52);
  return c == '+' ? 62 : c == '/' ? 63 : 64;
}

size_t tbo_base64_length(const char *text, size_t length) {
  if (length % 4 != 0) return SIZE_MAX;
  size_t padding = 0;
  while (padding < 2 && padding < length && text[length - 1 - padding] == '=') padding++;
  size_t digits = length - padding;
  for (size_t i = 0; i < digits; i++) {
    if (value_of(text[i]) > 63) return SIZE_MAX;
  }
  /* Bits that belong to no byte must be zero: one byte string has one spelling. */
  unsigned unused = padding == 2 ? 15 : padding == 1 ? 3 : 0;
  if (digits > 0 && (value_of(text[digits - 1]) & unused) != 0) return SIZE_MAX;
  return length / 4 * 3 - padding;
}

size_t tbo_base64_decode(const char *text, size_t length, uint8_t *bytes) {
  size_t size = tbo_base64_length(text, length);
  if (size == SIZE_MAX) return SIZE_MAX;
  for (size_t from = 0, to = 0; from < length; from += 4) {
    uint32_t group = 0;
    for (size_t i = 0; i < 4; i++) group = group << 6 | (value_of(text[from + i]) & 63);
    for (unsigned shift = 16; to < size && shift <= 16; shift -= 8) bytes[to++] = (uint8_t)(group >> shift);
  }
  return size;
}

void tbo_base64_encode(const uint8_t *bytes, size_t length, char *text) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  /* From the end, so that in place no byte is overwritten before it is read. */
  for (size_t group = (length + 2) / 3; group-- > 0;) {
    size_t from = 3 * group;
    size_t rest = length - from;
    uint32_t bits = (uint32_t)bytes[from] << 16;
    if (rest > 1) bits |= (uint32_t)bytes[from + 1] << 8;
    if (rest > 2) bits |= bytes[from + 2];
    char *out = text + 4 * group;
    out[0] = digits[bits >> 18];
    out[1] = digits[bits >> 12 & 63];
    out[2] = rest > 1 ? digits[bits >> 6 & 63] : '=';
    out[3] = rest > 2 ? digits[bits & 63] : '=';
  }
}
