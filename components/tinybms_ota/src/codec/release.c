// SPDX-License-Identifier: MIT
#include "release.h"

#include "schema.h"

#include <string.h>

/** A chip that ESP-IDF supports: its name without hyphens, and its `esp_chip_id_t`. */
typedef struct {
  char name[9];
  uint16_t id;
} chip_t;

static const chip_t CHIPS[] = {
    {"esp32", 0x00},    {"esp32s2", 0x02},  {"esp32c3", 0x05},  {"esp32s3", 0x09}, {"esp32c2", 0x0c},
    {"esp32c6", 0x0d},  {"esp32h2", 0x10},  {"esp32p4", 0x12},  {"esp32c61", 0x14}, {"esp32c5", 0x17},
    {"esp32h21", 0x19}, {"esp32h4", 0x1c},  {"esp32s31", 0x20},
};

enum { CHIP_COUNT = sizeof CHIPS / sizeof CHIPS[0], IMAGE_SIZE_MAX = 134217728 };

static bool parse_image(tbo_json_t image, tbo_release_t *release) {
  uint32_t chip_id;
  if (!tbo_schema_hex(image, "sha256", release->sha256, sizeof release->sha256)) return false;
  if (!tbo_schema_hex(image, "hash_list_sha256", release->hash_list_sha256, TBO_SHA256_SIZE)) return false;
  if (!tbo_schema_number(image, "size", 1, IMAGE_SIZE_MAX, &release->size)) return false;
  if (!tbo_schema_constant(image, "chunk_size", 4096)) return false;
  if (!tbo_schema_number(image, "secure_version", 0, INT32_MAX, &release->secure_version)) return false;
  if (!tbo_schema_number(image, "chip_id", 0, UINT16_MAX, &chip_id)) return false;
  release->chip_id = (uint16_t)chip_id;
  return true;
}

bool tbo_release_parse(const char *payload, size_t length, tbo_release_t *release) {
  tbo_json_t root;
  if (!tbo_json_check(payload, length, TBO_JSON_DEPTH_MAX, &root)) return false;
  release->product = tbo_json_member(root, "product");
  release->hardware = tbo_json_member(root, "hardware");
  if (!tbo_schema_constant(root, "release", 1) || !tbo_schema_is_text(release->product, 1, 128)) return false;
  if (!tbo_schema_is_text(release->hardware, 1, 64)) return false;
  if (!tbo_schema_is_text(tbo_json_member(root, "version"), 1, 128)) return false;
  if (!tbo_schema_time(root, "created_at", &release->created_at)) return false;
  return parse_image(tbo_json_member(root, "image"), release);
}

/** Returns `true` for white space that may stand around a name (ECMA-262, "WhiteSpace" and "LineTerminator"). */
static bool is_space(uint32_t c) {
  if (c == ' ' || (c >= 9 && c <= 13) || c == 0xa0 || c == 0x1680 || c == 0xfeff) return true;
  return (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/** Reads a chip's name in lower case, without space around it and without hyphens, underscores and spaces in it. */
static bool read_name(tbo_json_t value, char name[9]) {
  size_t first = SIZE_MAX;
  size_t last = 0;
  size_t position = 0;
  size_t length = 0;
  uint32_t c;
  for (tbo_json_t raw = tbo_json_raw(value); tbo_json_next_code_point(&raw, &c); position++) {
    if (is_space(c)) continue;
    if (first == SIZE_MAX) first = position;
    last = position;
  }
  position = 0;
  for (tbo_json_t raw = tbo_json_raw(value); tbo_json_next_code_point(&raw, &c); position++) {
    if (position < first || position > last || c == '-' || c == '_' || c == ' ') continue;
    if (length == 8 || c >= 0x80) return false;
    name[length++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  }
  name[length] = '\0';
  return true;
}

bool tbo_release_allows_chip(const tbo_release_t *release, uint16_t chip_id) {
  char name[9];
  if (!read_name(release->hardware, name)) return true;
  for (unsigned i = 0; i < CHIP_COUNT; i++) {
    if (strlen(name) != strlen(CHIPS[i].name) || memcmp(name, CHIPS[i].name, strlen(name)) != 0) continue;
    /* "esp32" stands for every chip of the list, as in everyday speech. */
    for (unsigned other = 0; i == 0 && other < CHIP_COUNT; other++) {
      if (CHIPS[other].id == chip_id) return true;
    }
    return CHIPS[i].id == chip_id;
  }
  return true;
}
