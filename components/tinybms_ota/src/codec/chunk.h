// SPDX-License-Identifier: MIT
/** Chunk messages: a header of 20 bytes, little-endian, then 1 to 4096 bytes of the image. */
#ifndef TBO_CODEC_CHUNK_H
#define TBO_CODEC_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Size of the header of a chunk message in bytes. */
#define TBO_CHUNK_HEADER_SIZE 20u

/** Maximum number of bytes of a chunk: one flash sector. */
#define TBO_CHUNK_BYTES_MAX 4096u

/** A parsed chunk message. */
typedef struct {
  const uint8_t *image; /**< First 8 bytes of the image's SHA-256, a view of the message. */
  uint32_t index;       /**< Position in the image, in chunks. May lie beyond the image. */
  bool is_deflated;     /**< The bytes are compressed with raw DEFLATE (RFC 1951). */
  const uint8_t *bytes; /**< A view of the message. */
  size_t length;        /**< 1 to TBO_CHUNK_BYTES_MAX. */
} tbo_chunk_t;

/**
 * Parses a chunk message.
 *
 * @return `false` if size, magic, version, flags, length or the reserved field are wrong.
 */
bool tbo_chunk_parse(const uint8_t *message, size_t length, tbo_chunk_t *chunk);

/** Returns the number of chunks of an image of `size` bytes. */
uint32_t tbo_chunk_count(uint32_t size);

/** Returns the size of a chunk of an image in bytes; 0 for an index outside the image. */
uint32_t tbo_chunk_size_at(uint32_t index, uint32_t image_size);

#endif
