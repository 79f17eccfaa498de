// SPDX-License-Identifier: MIT
#ifndef TBO_CODEC_SHA256_H
#define TBO_CODEC_SHA256_H

#include <stddef.h>
#include <stdint.h>

/** Size of a SHA-256 digest in bytes. */
#define TBO_SHA256_SIZE 32u

/**
 * Hashes two pieces of memory as one message. Boards give a function that uses their hardware.
 *
 * @param context     Context of the hasher.
 * @param head        First piece; may be NULL if its length is 0.
 * @param body        Second piece; may be NULL if its length is 0.
 * @param digest      SHA-256 of both pieces in order.
 */
typedef void (*tbo_sha256_fn)(void *context, const uint8_t *head, size_t head_length, const uint8_t *body,
                              size_t body_length, uint8_t digest[TBO_SHA256_SIZE]);

/** A SHA-256 function and its context. */
typedef struct {
  tbo_sha256_fn sha256;
  void *context;
} tbo_hasher_t;

/**
 * Hashes two pieces of memory in software, for ports without a SHA-256 of their own (FIPS 180-4).
 *
 * @param context Ignored.
 * @see tbo_sha256_fn for the other parameters.
 */
void tbo_sha256(void *context, const uint8_t *head, size_t head_length, const uint8_t *body, size_t body_length,
                uint8_t digest[TBO_SHA256_SIZE]);

#endif
