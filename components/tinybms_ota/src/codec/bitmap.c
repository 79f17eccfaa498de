// SPDX-License-Identifier: MIT
#include "bitmap.h"

#include <string.h>

void tbo_bitmap_begin(tbo_bitmap_t *bitmap, uint32_t *words, uint32_t size) {
  *bitmap = (tbo_bitmap_t){.words = words, .size = size};
  memset(words, 0, sizeof *words * TBO_BITMAP_WORDS(size));
}

void tbo_bitmap_fill(tbo_bitmap_t *bitmap) {
  memset(bitmap->words, 0xff, sizeof *bitmap->words * TBO_BITMAP_WORDS(bitmap->size));
  bitmap->count = bitmap->size;
}

bool tbo_bitmap_has(const tbo_bitmap_t *bitmap, uint32_t number) {
  return number < bitmap->size && (bitmap->words[number / 32] >> (number % 32) & 1u) != 0;
}

void tbo_bitmap_add(tbo_bitmap_t *bitmap, uint32_t number) {
  if (number >= bitmap->size || tbo_bitmap_has(bitmap, number)) return;
  bitmap->words[number / 32] |= 1u << (number % 32);
  bitmap->count++;
}

void tbo_bitmap_remove(tbo_bitmap_t *bitmap, uint32_t number) {
  if (!tbo_bitmap_has(bitmap, number)) return;
  bitmap->words[number / 32] &= ~(1u << (number % 32));
  bitmap->count--;
}

/** Returns the lowest number from `from` on whose bit differs from `none`'s; the set's size without such a number. */
static uint32_t find(const tbo_bitmap_t *bitmap, uint32_t from, uint32_t none) {
  uint32_t number = from;
  while (number < bitmap->size) {
    uint32_t bits = (bitmap->words[number / 32] ^ none) >> (number % 32);
    if ((bits & 1u) != 0) return number;
    number = bits == 0 ? (number | 31u) + 1 : number + 1;
  }
  return bitmap->size;
}

uint32_t tbo_bitmap_next(const tbo_bitmap_t *bitmap, uint32_t from) { return find(bitmap, from, 0); }

uint32_t tbo_bitmap_gap(const tbo_bitmap_t *bitmap, uint32_t from) { return find(bitmap, from, UINT32_MAX); }
