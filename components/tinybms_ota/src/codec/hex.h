// SPDX-License-Identifier: MIT
#ifndef TBO_CODEC_HEX_H
#define TBO_CODEC_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Decodes lower-case hexadecimal digits.
 *
 * @param text   At least `2 * size` characters.
 * @param bytes  Receives `size` bytes.
 * @return `false` if a character is not one of `0-9a-f`.
 */
bool tbo_hex_decode(const char *text, uint8_t *bytes, size_t size);

/**
 * Encodes bytes as lower-case hexadecimal digits, without a zero at the end.
 *
 * @param text Receives `2 * size` characters.
 */
void tbo_hex_encode(const uint8_t *bytes, size_t size, char *text);

#endif
