// SPDX-License-Identifier: MIT
#include "utf8.h"

size_t tbo_utf8_read(const char *text, size_t length, uint32_t *code_point) {
  const uint8_t *bytes = (const uint8_t *)text;
  static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
  uint8_t lead = bytes[0];
  if (lead < 0x80) {
    *code_point = lead;
    return 1;
  }
  size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || size > length) return 0;
  uint32_t value = lead & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; i++) {
    if ((bytes[i] & 0xc0) != 0x80) return 0;
    value = value << 6 | (bytes[i] & 0x3fu);
  }
  if (value < lowest[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return 0;
  *code_point = value;
  return size;
}

size_t tbo_utf8_write(uint32_t code_point, char text[4]) {
  if (code_point < 0x80) {
    text[0] = (char)code_point;
    return 1;
  }
  size_t size = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
  for (size_t i = size - 1; i > 0; i--) {
    text[i] = (char)(0x80 | (code_point & 0x3f));
    code_point >>= 6;
  }
  text[0] = (char)((0xf00u >> size & 0xf0) | code_point);
  return size;
}
