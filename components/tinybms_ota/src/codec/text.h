// SPDX-License-Identifier: MIT
/** Bounded writer of JSON texts. What does not fit is left out and remembered, so callers check once at the end. */
#ifndef TBO_CODEC_TEXT_H
#define TBO_CODEC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Maximum size of a request or a report in bytes. */
#define TBO_TEXT_MESSAGE_MAX 1024u

/** A text that grows in a caller's buffer. It always ends with a zero. */
typedef struct {
  char *text;
  size_t size;       /**< Size of the buffer, with the zero. */
  size_t length;     /**< Length so far, without the zero. */
  bool is_truncated; /**< Something did not fit. */
} tbo_text_t;

/**
 * Starts an empty text.
 *
 * @param size At least 1.
 */
void tbo_text_begin(tbo_text_t *text, char *buffer, size_t size);

/** Appends bytes unchanged, or nothing if they do not fit. */
void tbo_text_bytes(tbo_text_t *text, const char *bytes, size_t length);

/** Appends a zero-terminated text unchanged. */
void tbo_text_add(tbo_text_t *text, const char *part);

/** Appends a decimal number. */
void tbo_text_number(tbo_text_t *text, uint32_t number);

/** Appends bytes as lower-case hexadecimal digits. */
void tbo_text_hex(tbo_text_t *text, const uint8_t *bytes, size_t length);

/** Appends UTF-8 as a JSON string in quotes, with the escapes of `JSON.stringify`. */
void tbo_text_string(tbo_text_t *text, const char *string, size_t length);

/**
 * Appends a format as it is, except for what stands for an argument:
 *
 * | in the format | argument | appended |
 * |---|---|---|
 * | `%u` | `uint32_t` | decimal number |
 * | `%s` | `const char *` | JSON string in quotes |
 * | `%t` | `const char *` | the text as it is |
 * | `%b` | `int` | `true` or `false` |
 * | `%i` | `const uint8_t *` | 16 bytes in hexadecimal digits, in quotes |
 * | `%h` | `const uint8_t *` | 32 bytes in hexadecimal digits, in quotes |
 */
void tbo_text_format(tbo_text_t *text, const char *format, ...);

#endif
