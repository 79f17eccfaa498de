// SPDX-License-Identifier: MIT
/** Times of the protocol: ISO 8601 in UTC, with or without milliseconds, such as `2026-01-31T12:00:00Z`. */
#ifndef TBO_CODEC_TIME_H
#define TBO_CODEC_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Size of a time with its zero at the end, in bytes. */
#define TBO_TIME_SIZE 25u

/** A time as in a message, zero-terminated; empty without a time. */
typedef struct {
  char text[TBO_TIME_SIZE];
} tbo_time_t;

/**
 * Reads a time.
 *
 * @return `false` if the text does not have the form of the schemas. A day that its month lacks passes, as there.
 */
bool tbo_time_read(const char *text, size_t length, tbo_time_t *time);

/** Returns the milliseconds since 1970-01-01T00:00:00Z. A day that its month lacks counts into the next month. */
int64_t tbo_time_to_ms(const tbo_time_t *time);

/**
 * Writes a time to the second, as `2026-01-31T12:00:00Z`.
 *
 * @param ms 0 to 253402300799999, the end of the year 9999; a number outside gives the nearer end.
 */
void tbo_time_from_ms(int64_t ms, tbo_time_t *time);

/** Returns `true` if a time is earlier than another, compared to the second. Neither may be empty. */
bool tbo_time_is_earlier(const tbo_time_t *left, const tbo_time_t *right);

#endif
