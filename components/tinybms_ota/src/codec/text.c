// SPDX-License-Identifier: MIT
#include "text.h"

#include "hex.h"
#include "json.h"

#include <stdarg.h>
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
  for (const char *known = TBO_JSON_ESCAPES; *known != '\0'; known += 2) {
    if (known[1] != c) continue;
    char escape[2] = {'\\', known[0]};
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

static void add_bytes(tbo_text_t *text, const uint8_t *bytes, size_t length) {
  tbo_text_bytes(text, "\"", 1);
  tbo_text_hex(text, bytes, length);
  tbo_text_bytes(text, "\"", 1);
}

void tbo_text_format(tbo_text_t *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  for (; *format != '\0'; format++) {
    if (*format != '%') {
      tbo_text_bytes(text, format, 1);
      continue;
    }
    char type = *++format;
    if (type == 'u') {
      tbo_text_number(text, va_arg(arguments, uint32_t));
    } else if (type == 'b') {
      tbo_text_add(text, va_arg(arguments, int) ? "true" : "false");
    } else {
      const char *string = va_arg(arguments, const char *);
      if (type == 's') tbo_text_string(text, string, strlen(string));
      else if (type == 't') tbo_text_add(text, string);
      else add_bytes(text, (const uint8_t *)string, type == 'h' ? 32 : 16);
    }
  }
  va_end(arguments);
}
