// SPDX-License-Identifier: MIT
/**
 * Lists of words in one string, so that a word costs its characters and nothing more. Every word ends with a zero, and an
 * empty word ends the list: `"one\0two\0"`.
 */
#ifndef TBO_CODEC_WORDS_H
#define TBO_CODEC_WORDS_H

#include "json.h"

/**
 * Returns a word of a list by its position.
 *
 * @return The empty word at the end of the list if there are fewer words.
 */
const char *tbo_word(const char *words, unsigned position);

/**
 * Finds the word that a value equals.
 *
 * @return Its position; the number of words if the value is not a string of the list.
 */
unsigned tbo_word_find(const char *words, tbo_json_t value);

#endif
