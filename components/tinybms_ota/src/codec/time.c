// SPDX-License-Identifier: MIT
#include "time.h"

#include <string.h>

enum { SECONDS_LENGTH = 19, MS_PER_DAY = 86400000 };

static unsigned two_digits(const char *text) { return (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0'); }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool tbo_time_read(const char *text, size_t length, tbo_time_t *time) {
  static const char form[] = "0000-00-00T00:00:00";
  if (length < SECONDS_LENGTH + 1 || length >= TBO_TIME_SIZE || text[length - 1] != 'Z') return false;
  for (size_t i = 0; i < SECONDS_LENGTH; i++) {
    if (form[i] == '0' ? !is_digit(text[i]) : text[i] != form[i]) return false;
  }
  unsigned month = two_digits(text + 5);
  unsigned day = two_digits(text + 8);
  if (month < 1 || month > 12 || day < 1 || day > 31 || two_digits(text + 11) > 23) return false;
  if (two_digits(text + 14) > 59 || two_digits(text + 17) > 59) return false;
  if (length > SECONDS_LENGTH + 1) {
    if (text[SECONDS_LENGTH] != '.' || length == SECONDS_LENGTH + 2) return false;
    for (size_t i = SECONDS_LENGTH + 1; i < length - 1; i++) {
      if (!is_digit(text[i])) return false;
    }
  }
  memset(time, 0, sizeof *time);
  memcpy(time->text, text, length);
  return true;
}

/** Returns the days from 1970-01-01 to the first of a month, 1 to 12, in the Gregorian calendar. */
static int64_t days_to_month(int64_t year, unsigned month) {
  static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  int64_t past = year - 1;
  bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  /* Year 0 counts as a leap year: the divisions round towards zero, so it is counted from 400 years later. */
  past += 400;
  int64_t leap_days = past / 4 - past / 100 + past / 400 - 97;
  return (year - 1) * 365 + leap_days + before[month - 1] + (is_leap && month > 2) - 719162;
}

int64_t tbo_time_to_ms(const tbo_time_t *time) {
  const char *text = time->text;
  int64_t year = (int64_t)two_digits(text) * 100 + two_digits(text + 2);
  int64_t days = days_to_month(year, two_digits(text + 5)) + two_digits(text + 8) - 1;
  int64_t seconds = two_digits(text + 11) * 3600 + two_digits(text + 14) * 60 + two_digits(text + 17);
  int64_t fraction = 0;
  if (text[SECONDS_LENGTH] == '.') {
    const char *digits = text + SECONDS_LENGTH + 1;
    for (int i = 0; i < 3; i++) fraction = fraction * 10 + (is_digit(*digits) ? *digits++ - '0' : 0);
  }
  return days * MS_PER_DAY + seconds * 1000 + fraction;
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
  uint32_t seconds = (uint32_t)(ms % MS_PER_DAY / 1000);
  uint32_t year = 1970 + days / 366;
  while (days_to_month(year + 1, 1) <= days) year++;
  unsigned month = 1;
  while (month < 12 && days_to_month(year, month + 1) <= days) month++;
  static const char form[] = "0000-00-00T00:00:00Z";
  memset(time, 0, sizeof *time);
  memcpy(time->text, form, sizeof form);
  put(time->text, 4, year);
  put(time->text + 5, 2, month);
  put(time->text + 8, 2, days - (uint32_t)days_to_month(year, month) + 1);
  put(time->text + 11, 2, seconds / 3600);
  put(time->text + 14, 2, seconds / 60 % 60);
  put(time->text + 17, 2, seconds % 60);
}

bool tbo_time_is_earlier(const tbo_time_t *left, const tbo_time_t *right) {
  return memcmp(left->text, right->text, SECONDS_LENGTH) < 0;
}
