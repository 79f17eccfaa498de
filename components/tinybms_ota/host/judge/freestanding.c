// SPDX-License-Identifier: MIT
/** Memory, and the functions of string.h that work on it, for judges without a C library. */
#include "platform.h"

#include <string.h>

enum { ARENA_SIZE = 1 << 20 };

static _Alignas(8) uint8_t arena[ARENA_SIZE];
static size_t used;

void *judge_allocate(size_t size) {
  void *block = arena + used;
  size = (size + 7u) & ~(size_t)7u;
  if (size > ARENA_SIZE - used) judge_exit(1);
  used += size;
  return block;
}

void judge_free(void *block) { used = (size_t)((uint8_t *)block - arena); }

/* Words where both sides allow it, as in the C libraries of these machines: the judge counts instructions. */

typedef uint32_t __attribute__((may_alias)) word_t;

static int is_aligned(const void *left, const void *right) { return (((uintptr_t)left | (uintptr_t)right) & 3u) == 0; }

void *memcpy(void *restrict to, const void *restrict from, size_t length) {
  uint8_t *out = to;
  const uint8_t *in = from;
  if (is_aligned(out, in)) {
    for (; length >= 32; length -= 32, out += 32, in += 32) {
      const word_t *read = (const word_t *)(const void *)in;
      word_t *write = (word_t *)(void *)out;
      const word_t a = read[0], b = read[1], c = read[2], d = read[3];
      const word_t e = read[4], f = read[5], g = read[6], h = read[7];
      write[0] = a, write[1] = b, write[2] = c, write[3] = d;
      write[4] = e, write[5] = f, write[6] = g, write[7] = h;
    }
    for (; length >= 4; length -= 4, out += 4, in += 4) {
      *(word_t *)(void *)out = *(const word_t *)(const void *)in;
    }
  }
  while (length-- > 0) *out++ = *in++;
  return to;
}

void *memmove(void *to, const void *from, size_t length) {
  uint8_t *out = to;
  const uint8_t *in = from;
  if (out < in) {
    for (; is_aligned(out, in) && length >= 4; length -= 4, out += 4, in += 4) {
      *(word_t *)(void *)out = *(const word_t *)(const void *)in;
    }
    while (length-- > 0) *out++ = *in++;
  } else {
    while (length-- > 0) out[length] = in[length];
  }
  return to;
}

void *memset(void *to, int byte, size_t length) {
  uint8_t *out = to;
  if (is_aligned(out, out)) {
    const word_t word = (uint8_t)byte * 0x01010101u;
    for (; length >= 4; length -= 4, out += 4) *(word_t *)(void *)out = word;
  }
  while (length-- > 0) *out++ = (uint8_t)byte;
  return to;
}

int memcmp(const void *left, const void *right, size_t length) {
  const uint8_t *a = left, *b = right;
  for (; is_aligned(a, b) && length >= 4; length -= 4, a += 4, b += 4) {
    if (*(const word_t *)(const void *)a != *(const word_t *)(const void *)b) break;
  }
  for (; length > 0; length--, a++, b++) {
    if (*a != *b) return *a - *b;
  }
  return 0;
}
