// SPDX-License-Identifier: MIT
/** Canonical base64 (RFC 4648 section 4: padded, no white space, unused bits zero), in place where the caller wants. */
#ifndef TBO_CODEC_BASE64_H
#define TBO_CODEC_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Checks base64 and returns the length of what it encodes, in bytes.
 *
 * @return `SIZE_MAX` if the text is not canonical base64.
 */
size_t tbo_base64_length(const char *text, size_t length);

/**
 * Decodes base64.
 *
 * @param bytes Receives `tbo_base64_length` bytes. May be the place of `text` itself.
 * @return The number of bytes, or `SIZE_MAX` if the text is not canonical base64; `bytes` then is unchanged.
 */
size_t tbo_base64_decode(const char *text, size_t length, uint8_t *bytes);

/**
 * Encodes bytes as base64, without a zero at the end. Undoes a decoding in place exactly.
 *
 * @param text Receives `(length + 2) / 3 * 4` characters. May be the place of `bytes` itself.
 */
void tbo_base64_encode(const uint8_t *bytes, size_t length, char *text);

#endif
