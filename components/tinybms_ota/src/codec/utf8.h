// SPDX-License-Identifier: MIT
#ifndef TBO_CODEC_UTF8_H
#define TBO_CODEC_UTF8_H

#include <stddef.h>
#include <stdint.h>

/**
 * Reads one character of UTF-8 (RFC 3629: shortest form, no surrogates, at most U+10FFFF).
 *
 * @param length     Bytes from `text` to the end, at least 1.
 * @param code_point Receives the character.
 * @return Its size in bytes, or 0 if the bytes are not UTF-8.
 */
size_t tbo_utf8_read(const char *text, size_t length, uint32_t *code_point);

/**
 * Writes one character as UTF-8.
 *
 * @param code_point Not a surrogate, at most U+10FFFF.
 * @param text       Receives up to 4 bytes.
 * @return Its size in bytes.
 */
size_t tbo_utf8_write(uint32_t code_point, char text[4]);

#endif
