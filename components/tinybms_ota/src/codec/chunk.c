// SPDX-License-Identifier: MIT
#include "chunk.h"

/** Offsets of the header's fields. */
enum { MAGIC_AT = 0, VERSION_AT = 2, FLAGS_AT = 3, IMAGE_AT = 4, INDEX_AT = 12, LENGTH_AT = 16, RESERVED_AT = 18 };

static uint32_t read_u16(const uint8_t *bytes) { return bytes[0] | (uint32_t)bytes[1] << 8; }

bool tbo_chunk_parse(const uint8_t *message, size_t length, tbo_chunk_t *chunk) {
  if (length <= TBO_CHUNK_HEADER_SIZE || length > TBO_CHUNK_HEADER_SIZE + TBO_CHUNK_BYTES_MAX) return false;
  if (message[MAGIC_AT] != 'T' || message[MAGIC_AT + 1] != 'B' || message[VERSION_AT] != 1) return false;
  if (message[FLAGS_AT] > 1 || read_u16(message + LENGTH_AT) != length - TBO_CHUNK_HEADER_SIZE) return false;
  if (read_u16(message + RESERVED_AT) != 0) return false;
  *chunk = (tbo_chunk_t){
      .image = message + IMAGE_AT,
      .index = read_u16(message + INDEX_AT) | read_u16(message + INDEX_AT + 2) << 16,
      .is_deflated = message[FLAGS_AT] == 1,
      .bytes = message + TBO_CHUNK_HEADER_SIZE,
      .length = length - TBO_CHUNK_HEADER_SIZE,
  };
  return true;
}

uint32_t tbo_chunk_count(uint32_t size) { return size / TBO_CHUNK_BYTES_MAX + (size % TBO_CHUNK_BYTES_MAX != 0); }

uint32_t tbo_chunk_size_at(uint32_t index, uint32_t image_size) {
  if (index >= tbo_chunk_count(image_size)) return 0;
  uint32_t rest = image_size - index * TBO_CHUNK_BYTES_MAX;
  return rest < TBO_CHUNK_BYTES_MAX ? rest : TBO_CHUNK_BYTES_MAX;
}
