// SPDX-License-Identifier: MIT
#include "text.h"

#include "hex.h"

#include <string.h>

void tbo_text_begin(tbo_text_t *text, char *buffer, size_t size) {
  *text = (tbo_text_t){.text = buffer, .size = size};
  buffer[0] = '\0';
}

void tbo_text_bytes(tbo_text_t *text, const char *bytes, size_t length) {
  if (text->size - text->length <= length) {
    text->is_truncated = true;
    return;
  }
  memcpy(text->text + text->length, bytes, length);
  text->length += length;
  text->text[text->length] = '\0';
}

void tbo_text_add(tbo_text_t *text, const char *part) { tbo_text_bytes(text, part, strlen(part)); }

void tbo_text_number(tbo_text_t *text, uint32_t number) {
  char digits[10];
  size_t first = sizeof digits;
  do {
    digits[--first] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  tbo_text_bytes(text, digits + first, sizeof digits - first);
}

void tbo_text_hex(tbo_text_t *text, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    char digits[2];
    tbo_hex_encode(bytes + i, 1, digits);
    tbo_text_bytes(text, digits, 2);
  }
}

/** Appends one character of a JSON string. */
static void add_character(tbo_text_t *text, char c) {
  static const char letters[] = "\"\\bfnrt";
  static const char meanings[] = "\"\\\b\f\n\r\t";
  for (unsigned i = 0; i < sizeof letters - 1; i++) {
    if (meanings[i] != c) continue;
    char escape[2] = {'\\', letters[i]};
    tbo_text_bytes(text, escape, 2);
    return;
  }
  if ((uint8_t)c >= 0x20) {
    tbo_text_bytes(text, &c, 1);
    return;
  }
  uint8_t byte = (uint8_t)c;
  char escape[6] = {'\\', 'u', '0', '0'};
  tbo_hex_encode(&byte, 1, escape + 4);
  tbo_text_bytes(text, escape, 6);
}

void tbo_text_string(tbo_text_t *text, const char *string, size_t length) {
  tbo_text_bytes(text, "\"", 1);
  for (size_t i = 0; i < length; i++) add_character(text, string[i]);
  tbo_text_bytes(text, "\"", 1);
}
