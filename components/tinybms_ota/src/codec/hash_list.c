// SPDX-License-Identifier: MIT
#include "hash_list.h"

#include "chunk.h"

#include <string.h>

bool tbo_hash_list_check(const uint8_t *list, size_t length, uint32_t image_size,
                         const uint8_t sha256[TBO_SHA256_SIZE], const tbo_port_t *port) {
  uint8_t digest[TBO_SHA256_SIZE];
  if (length != (size_t)tbo_chunk_count(image_size) * TBO_HASH_LIST_ENTRY) return false;
  tbo_hash(port, list, length, digest);
  return memcmp(digest, sha256, sizeof digest) == 0;
}

bool tbo_hash_list_matches(const uint8_t *list, uint32_t image_size, uint32_t index, const uint8_t *bytes,
                           size_t length, const tbo_port_t *port) {
  uint8_t digest[TBO_SHA256_SIZE];
  if (length == 0 || length != tbo_chunk_size_at(index, image_size)) return false;
  tbo_hash(port, bytes, length, digest);
  return memcmp(digest, list + (size_t)index * TBO_HASH_LIST_ENTRY, TBO_HASH_LIST_ENTRY) == 0;
}
