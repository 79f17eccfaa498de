// SPDX-License-Identifier: MIT
#include "tinybms_ota.h"

#include <string.h>

/* Numbers have eight words, the least significant first. */

enum { WORDS = 8 };

static const uint32_t PRIME[WORDS] = {0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 0, 1, 0xffffffff};
static const uint32_t CURVE_B[WORDS] = {0x27d2604b, 0x3bce3c3e, 0xcc53b0f6, 0x651d06b0,
                                        0x769886bc, 0xb3ebbd55, 0xaa3a93e7, 0x5ac635d8};

static bool is_below(const uint32_t left[WORDS], const uint32_t right[WORDS]) {
  for (int i = WORDS - 1; i >= 0; i--) {
    if (left[i] != right[i]) return left[i] < right[i];
  }
  return false;
}

/** Subtracts in place, modulo 2^256. */
static void subtract(uint32_t number[WORDS], const uint32_t other[WORDS]) {
  uint32_t borrow = 0;
  for (int i = 0; i < WORDS; i++) {
    uint64_t difference = (uint64_t)number[i] - other[i] - borrow;
    number[i] = (uint32_t)difference;
    borrow = (uint32_t)(difference >> 63);
  }
}

/** Adds modulo the prime, in place. */
static void add(uint32_t number[WORDS], const uint32_t other[WORDS]) {
  uint64_t carry = 0;
  for (int i = 0; i < WORDS; i++) {
    carry += (uint64_t)number[i] + other[i];
    number[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry != 0 || !is_below(number, PRIME)) subtract(number, PRIME);
}

/** Multiplies modulo the prime, bit by bit: a key is checked once, so size counts and time does not. */
static void multiply(uint32_t product[WORDS], const uint32_t left[WORDS], const uint32_t right[WORDS]) {
  uint32_t sum[WORDS] = {0};
  for (int bit = 32 * WORDS - 1; bit >= 0; bit--) {
    add(sum, sum);
    if ((right[bit / 32] >> (bit % 32) & 1u) != 0) add(sum, left);
  }
  memcpy(product, sum, sizeof sum);
}

static void read_number(const uint8_t bytes[4 * WORDS], uint32_t number[WORDS]) {
  for (int i = 0; i < WORDS; i++) {
    const uint8_t *at = bytes + 4 * (WORDS - 1 - i);
    number[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
  }
}

/** Whether y² = x³ − 3x + b (FIPS 186-4 appendix D.1.2.3), as y² + 3x = x³ + b. */
bool tbo_p256_has_point(void *context, const uint8_t point[65]) {
  uint32_t x[WORDS];
  uint32_t y[WORDS];
  uint32_t cube[WORDS];
  (void)context;
  read_number(point + 1, x);
  read_number(point + 33, y);
  if (!is_below(x, PRIME) || !is_below(y, PRIME)) return false;
  multiply(cube, x, x);
  multiply(cube, cube, x);
  add(cube, CURVE_B);
  multiply(y, y, y);
  for (int i = 0; i < 3; i++) add(y, x);
  return memcmp(y, cube, sizeof y) == 0;
}
