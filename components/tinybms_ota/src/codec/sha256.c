// SPDX-License-Identifier: MIT
#include "sha256.h"

#include <string.h>

enum { BLOCK_SIZE = 64 };

/** State of one hash. */
typedef struct {
  uint32_t state[8];
  uint8_t block[BLOCK_SIZE];
  size_t filled;
} hash_t;

void tbo_hash(const tbo_port_t *port, const void *bytes, size_t length, uint8_t digest[TBO_SHA256_SIZE]) {
  port->sha256(port->context, bytes, length, NULL, 0, digest);
}

static uint32_t rotate(uint32_t word, unsigned bits) { return word >> bits | word << (32 - bits); }

/** Hashes one block (FIPS 180-4 section 6.2.2). The schedule keeps 16 words only: a small stack before speed. */
static void hash_block(uint32_t state[8], const uint8_t *block) {
  static const uint32_t constants[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
  };
  uint32_t words[16];
  uint32_t v[8];
  memcpy(v, state, sizeof v);
  for (unsigned i = 0; i < 64; i++) {
    if (i < 16) {
      const uint8_t *at = block + 4 * i;
      words[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    } else {
      uint32_t early = words[(i + 1) % 16];
      uint32_t late = words[(i + 14) % 16];
      words[i % 16] += words[(i + 9) % 16] + (rotate(early, 7) ^ rotate(early, 18) ^ early >> 3) +
                       (rotate(late, 17) ^ rotate(late, 19) ^ late >> 10);
    }
    uint32_t sum1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
    uint32_t sum0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
    uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    uint32_t step = v[7] + sum1 + choice + constants[i] + words[i % 16];
    memmove(v + 1, v, 7 * sizeof v[0]);
    v[4] += step;
    v[0] = step + sum0 + majority;
  }
  for (unsigned i = 0; i < 8; i++) state[i] += v[i];
}

static void update(hash_t *hash, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    if (hash->filled == 0 && length >= BLOCK_SIZE) {
      hash_block(hash->state, bytes);
      bytes += BLOCK_SIZE;
      length -= BLOCK_SIZE;
      continue;
    }
    size_t piece = BLOCK_SIZE - hash->filled;
    if (piece > length) piece = length;
    memcpy(hash->block + hash->filled, bytes, piece);
    hash->filled += piece;
    bytes += piece;
    length -= piece;
    if (hash->filled < BLOCK_SIZE) return;
    hash_block(hash->state, hash->block);
    hash->filled = 0;
  }
}

void tbo_sha256(void *context, const uint8_t *head, size_t head_length, const uint8_t *body, size_t body_length,
                uint8_t digest[TBO_SHA256_SIZE]) {
  (void)context;
  hash_t hash = {.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
                           0x5be0cd19}};
  update(&hash, head, head_length);
  update(&hash, body, body_length);
  static const uint8_t padding[BLOCK_SIZE] = {0x80};
  uint64_t bits = ((uint64_t)head_length + body_length) * 8;
  uint8_t tail[8];
  for (unsigned i = 0; i < 8; i++) tail[i] = (uint8_t)(bits >> (56 - 8 * i));
  update(&hash, padding, (hash.filled < 56 ? 56 : 120) - hash.filled);
  update(&hash, tail, sizeof tail);
  for (unsigned i = 0; i < TBO_SHA256_SIZE; i++) digest[i] = (uint8_t)(hash.state[i / 4] >> (24 - 8 * (i % 4)));
}
