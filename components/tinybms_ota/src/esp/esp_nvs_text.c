// SPDX-License-Identifier: MIT
#include "esp_nvs_text.h"

#include "codec/crc32.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE 16u
#define HEADER_SIZE 15u /* "4294967295/99 " and a zero */
#define CRC_DIGITS 8u

static void key_of(const tbo_nvs_text_t *text, unsigned turn, unsigned piece, char key[KEY_SIZE]) {
  snprintf(key, KEY_SIZE, piece == 0 ? "%.10s_%u" : "%.10s_%u.%u", text->name, turn % 2u, piece % 100u);
}

/** Returns the text behind a number of 1 to `max` digits; NULL if the text does not start with one. */
static const char *skip_number(const char *text, unsigned max) {
  const char *start = text;
  while (text < start + max && *text >= '0' && *text <= '9') text++;
  return text == start ? NULL : text;
}

/** Returns the length of a header `NUMBER/COUNT ` at the start of a string, or 0. */
static size_t header_length(const char *string) {
  const char *at = skip_number(string, 10);
  if (at == NULL || *at != '/') return 0;
  at = skip_number(at + 1, 2);
  return at == NULL || *at != ' ' ? 0 : (size_t)(at + 1 - string);
}

static uint32_t number_of(const char *header) {
  const unsigned long long number = strtoull(header, NULL, 10);
  return number > UINT32_MAX ? 0 : (uint32_t)number;
}

static bool is_whole(const char *text, size_t length) {
  char digits[CRC_DIGITS];
  if (length < CRC_DIGITS) return false;
  tbo_crc32_digits(text + CRC_DIGITS, length - CRC_DIGITS, digits);
  return memcmp(digits, text, CRC_DIGITS) == 0;
}

/** Reads the text of one turn. Returns its number, or 0 if it is not whole. */
static uint32_t read_turn(const tbo_nvs_text_t *text, unsigned turn, char *out, size_t size, size_t *length) {
  char first[HEADER_SIZE] = "";
  *length = 0;
  for (unsigned piece = 0; piece < 100; piece++) {
    char key[KEY_SIZE];
    size_t stored = TBO_NVS_STRING_SIZE;
    key_of(text, turn, piece, key);
    if (nvs_get_str(text->nvs, key, text->string, &stored) != ESP_OK) break;
    const size_t header = header_length(text->string);
    // A string under another header is left of another text.
    if (header == 0 || (piece > 0 && strncmp(first, text->string, header) != 0)) break;
    if (piece == 0) {
      memcpy(first, text->string, header);
      first[header] = '\0';
    }
    const size_t part = strlen(text->string + header);
    if (*length + part >= size) return 0;
    memcpy(out + *length, text->string + header, part);
    *length += part;
  }
  out[*length] = '\0';
  return is_whole(out, *length) ? number_of(first) : 0;
}

size_t tbo_nvs_text_open(tbo_nvs_text_t *text, char *out, size_t size) {
  size_t length = 0;
  const uint32_t even = read_turn(text, 0, out, size, &length);
  const uint32_t odd = read_turn(text, 1, out, size, &length);
  text->number = even > odd ? even : odd;
  if (text->number == 0) return 0;
  if (even > odd) read_turn(text, 0, out, size, &length);
  return length;
}

/** Erases strings left from a longer text, or from one that did not fit: they would take space from other values. */
static void erase_from(const tbo_nvs_text_t *text, unsigned turn, unsigned piece) {
  char key[KEY_SIZE];
  do key_of(text, turn, piece++, key);
  while (nvs_erase_key(text->nvs, key) == ESP_OK);
}

esp_err_t tbo_nvs_text_store(tbo_nvs_text_t *text, const char *value, size_t length) {
  const uint32_t number = text->number + 1u;
  const unsigned pieces = length == 0 ? 1u : (unsigned)((length + TBO_NVS_PIECE_MAX - 1u) / TBO_NVS_PIECE_MAX);
  if (pieces > 99u || number == 0) return ESP_ERR_INVALID_SIZE;
  esp_err_t err = ESP_OK;
  for (unsigned piece = 0; err == ESP_OK && piece < pieces; piece++) {
    char key[KEY_SIZE];
    const size_t at = (size_t)piece * TBO_NVS_PIECE_MAX;
    const size_t part = length - at < TBO_NVS_PIECE_MAX ? length - at : TBO_NVS_PIECE_MAX;
    const int header = snprintf(text->string, TBO_NVS_STRING_SIZE, "%" PRIu32 "/%u ", number, pieces);
    memcpy(text->string + header, value + at, part);
    text->string[(size_t)header + part] = '\0';
    key_of(text, number, piece, key);
    err = nvs_set_str(text->nvs, key, text->string);
  }
  if (err == ESP_OK) err = nvs_commit(text->nvs);
  if (err == ESP_OK) text->number = number;
  erase_from(text, number, err == ESP_OK ? pieces : 0);
  return err;
}
