// SPDX-License-Identifier: MIT
/** Hash list of an image: the first 16 bytes of the SHA-256 of each chunk, in order. */
#ifndef TBO_CODEC_HASH_LIST_H
#define TBO_CODEC_HASH_LIST_H

#include "sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Size of one hash in bytes. */
#define TBO_HASH_LIST_ENTRY 16u

/**
 * Checks a received hash list against a release.
 *
 * @param image_size Size of the image in bytes.
 * @param sha256     The release's `hash_list_sha256`.
 * @return `false` if its length is wrong for the image or its SHA-256 is another.
 */
bool tbo_hash_list_check(const uint8_t *list, size_t length, uint32_t image_size,
                         const uint8_t sha256[TBO_SHA256_SIZE], const tbo_port_t *port);

/**
 * Returns `true` if bytes are the chunk at a position of the image. Bytes of a wrong length are not hashed.
 *
 * @param list A checked hash list.
 */
bool tbo_hash_list_matches(const uint8_t *list, uint32_t image_size, uint32_t index, const uint8_t *bytes,
                           size_t length, const tbo_port_t *port);

#endif
