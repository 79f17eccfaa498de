// SPDX-License-Identifier: MIT
#include "time.h"

#include <string.h>

enum { SECONDS_LENGTH = 19, MS_PER_DAY = 86400000 };

/** Where the fields stand after the year: month, day, hour, minute, second. */
enum { FIELDS = 5, FIRST_FIELD = 5, FIELD_STEP = 3 };

static const char FORM[TBO_TIME_SIZE] = "0000-00-00T00:00:00Z";

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/** Reads the fields of a time that has the right form; the first one is the year. */
static void read_fields(const char *text, uint32_t fields[1 + FIELDS]) {
  for (unsigned i = 0; i <= FIELDS; i++) {
    fields[i] = 0;
    while (is_digit(*text)) fields[i] = fields[i] * 10 + (uint32_t)(*text++ - '0');
    text++;
  }
}

bool tbo_time_read(const char *text, size_t length, tbo_time_t *time) {
  static const uint8_t maxima[FIELDS] = {12, 31, 23, 59, 59};
  uint32_t fields[1 + FIELDS];
  if (length < SECONDS_LENGTH + 1 || length >= TBO_TIME_SIZE || text[length - 1] != 'Z') return false;
  for (size_t i = 0; i < length - 1; i++) {
    char form = i < SECONDS_LENGTH ? FORM[i] : i == SECONDS_LENGTH ? '.' : '0';
    if (form == '0' ? !is_digit(text[i]) : text[i] != form) return false;
  }
  if (length == SECONDS_LENGTH + 2) return false;
  read_fields(text, fields);
  for (unsigned i = 0; i < FIELDS; i++) {
    if (fields[1 + i] > maxima[i] || (fields[1 + i] == 0 && i < 2)) return false;
  }
  memset(time, 0, sizeof *time);
  memcpy(time->text, text, length);
  return true;
}

/** Days from 1 March of the year −400 to 1970-01-01 (Gregorian). A year that begins in March ends with its leap day. */
enum { DAYS_TO_1970 = 719468 + 146097 };

int64_t tbo_time_to_ms(const tbo_time_t *time) {
  uint32_t fields[1 + FIELDS];
  uint32_t fraction = 0;
  const char *digits = time->text + SECONDS_LENGTH + 1;
  read_fields(time->text, fields);
  uint32_t year = fields[0] + 400 - (fields[1] < 3);
  uint32_t days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * ((fields[1] + 9) % 12) + 2) / 5 + fields[2] - 1;
  uint32_t seconds = (fields[3] * 60 + fields[4]) * 60 + fields[5];
  for (int i = 0; i < 3; i++) fraction = fraction * 10 + (is_digit(*digits) ? (uint32_t)(*digits++ - '0') : 0);
  return (int64_t)((int32_t)days - DAYS_TO_1970) * MS_PER_DAY + seconds * 1000 + fraction;
}

/** Writes a number with leading zeros. */
static void put(char *text, unsigned digits, uint32_t number) {
  while (digits > 0) {
    text[--digits] = (char)('0' + number % 10);
    number /= 10;
  }
}

void tbo_time_from_ms(int64_t ms, tbo_time_t *time) {
  const int64_t last = 253402300799999;
  if (ms < 0) ms = 0;
  if (ms > last) ms = last;
  uint32_t days = (uint32_t)(ms / MS_PER_DAY);
  uint32_t seconds = (uint32_t)(ms - (int64_t)days * MS_PER_DAY) / 1000;
  days += DAYS_TO_1970;
  uint32_t of_era = days % 146097;
  uint32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  uint32_t of_year = of_era - (365 * year + year / 4 - year / 100);
  uint32_t month = (5 * of_year + 2) / 153;
  year += days / 146097 * 400 - 400 + (month >= 10);
  const uint32_t fields[FIELDS] = {(month + 2) % 12 + 1, of_year - (153 * month + 2) / 5 + 1, seconds / 3600,
                                   seconds / 60 % 60, seconds % 60};
  memcpy(time->text, FORM, sizeof FORM);
  put(time->text, 4, year);
  for (unsigned i = 0; i < FIELDS; i++) put(time->text + FIRST_FIELD + FIELD_STEP * i, 2, fields[i]);
}

bool tbo_time_is_earlier(const tbo_time_t *left, const tbo_time_t *right) {
  return memcmp(left->text, right->text, SECONDS_LENGTH) < 0;
}
