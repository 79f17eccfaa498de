// SPDX-License-Identifier: MIT
/** Set of chunk numbers, one bit each, in the caller's words. */
#ifndef TBO_CODEC_BITMAP_H
#define TBO_CODEC_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

/** Number of 32-bit words of a set of numbers below `size`. */
#define TBO_BITMAP_WORDS(size) (((size) + 31u) / 32u)

/** A set of numbers below `size`. */
typedef struct {
  uint32_t *words; /**< TBO_BITMAP_WORDS(size) words. */
  uint32_t size;   /**< Numbers from 0 to `size - 1` can be members. */
  uint32_t count;  /**< Number of members. */
} tbo_bitmap_t;

/** Starts an empty set over the caller's words. */
void tbo_bitmap_begin(tbo_bitmap_t *bitmap, uint32_t *words, uint32_t size);

/** Adds every number below the set's size. */
void tbo_bitmap_fill(tbo_bitmap_t *bitmap);

/** Returns `true` if a number is in the set; `false` for a number outside. */
bool tbo_bitmap_has(const tbo_bitmap_t *bitmap, uint32_t number);

/** Adds a number; a number outside is ignored. */
void tbo_bitmap_add(tbo_bitmap_t *bitmap, uint32_t number);

/** Removes a number. */
void tbo_bitmap_remove(tbo_bitmap_t *bitmap, uint32_t number);

/** Returns the lowest member that is `from` or higher; the set's size without such a member. */
uint32_t tbo_bitmap_next(const tbo_bitmap_t *bitmap, uint32_t from);

/** Returns the lowest number that is `from` or higher and not in the set; the set's size without such a number. */
uint32_t tbo_bitmap_gap(const tbo_bitmap_t *bitmap, uint32_t from);

#endif
