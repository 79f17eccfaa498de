// SPDX-License-Identifier: MIT
#include "words.h"

#include <string.h>

const char *tbo_word(const char *words, unsigned position) {
  for (; position > 0 && words[0] != '\0'; position--) words += strlen(words) + 1;
  return words;
}

unsigned tbo_word_find(const char *words, tbo_json_t value) {
  unsigned position = 0;
  for (size_t length; (length = strlen(words)) > 0 && !tbo_json_equals(value, words, length); position++) {
    words += length + 1;
  }
  return position;
}
