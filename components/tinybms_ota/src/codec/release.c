// SPDX-License-Identifier: MIT
#include "release.h"

#include "schema.h"

#include <string.h>

/** A chip that ESP-IDF supports: its name in lower case without hyphens, behind `esp32`, and its `esp_chip_id_t`. */
typedef struct {
  char name[4];
  uint8_t id;
} chip_t;

static const chip_t CHIPS[] = {
    {"", 0x00},   {"s2", 0x02},  {"c3", 0x05}, {"s3", 0x09},  {"c2", 0x0c}, {"c6", 0x0d},  {"h2", 0x10},
    {"p4", 0x12}, {"c61", 0x14}, {"c5", 0x17}, {"h21", 0x19}, {"h4", 0x1c}, {"s31", 0x20},
};

enum { CHIP_COUNT = sizeof CHIPS / sizeof CHIPS[0], NAME_SIZE = 9, IMAGE_SIZE_MAX = 134217728 };

static const char NAMES[] = "release\0product\0hardware\0version\0created_at\0";
static const tbo_member_t MEMBERS[] = {
    {TBO_TYPE_NUMBER, 0, TBO_NOWHERE, 1, 1},
    {TBO_TYPE_TEXT, 0, offsetof(tbo_release_t, product), 1, 128},
    {TBO_TYPE_TEXT, 0, offsetof(tbo_release_t, hardware), 1, 64},
    {TBO_TYPE_TEXT, 0, TBO_NOWHERE, 1, 128},
    {TBO_TYPE_TIME, 0, offsetof(tbo_release_t, created_at), 0, 0},
};

static const char IMAGE_NAMES[] = "sha256\0hash_list_sha256\0size\0chunk_size\0secure_version\0chip_id\0";
static const tbo_member_t IMAGE[] = {
    {TBO_TYPE_HEX, 0, offsetof(tbo_release_t, sha256), 0, TBO_SHA256_SIZE},
    {TBO_TYPE_HEX, 0, offsetof(tbo_release_t, hash_list_sha256), 0, TBO_SHA256_SIZE},
    {TBO_TYPE_NUMBER, 0, offsetof(tbo_release_t, size), 1, IMAGE_SIZE_MAX},
    {TBO_TYPE_NUMBER, 0, TBO_NOWHERE, 4096, 4096},
    {TBO_TYPE_NUMBER, 0, offsetof(tbo_release_t, secure_version), 0, INT32_MAX},
    {TBO_TYPE_NUMBER, 0, offsetof(tbo_release_t, chip_id), 0, UINT16_MAX},
};

bool tbo_release_parse(const char *payload, size_t length, tbo_release_t *release) {
  tbo_json_t root;
  return tbo_json_check(payload, length, TBO_JSON_DEPTH_MAX, &root) &&
         tbo_schema_read(root, NAMES, MEMBERS, release) &&
         tbo_schema_read(tbo_json_member(root, "image"), IMAGE_NAMES, IMAGE, release);
}

/** Returns `true` for white space that may stand around a name (ECMA-262, "WhiteSpace" and "LineTerminator"). */
static bool is_space(uint32_t c) {
  static const uint16_t ranges[][2] = {{9, 13},           {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680},
                                       {0x2000, 0x200a},  {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
                                       {0x3000, 0x3000},  {0xfeff, 0xfeff}};
  bool is_listed = false;
  for (unsigned i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
    is_listed = is_listed || (c >= ranges[i][0] && c <= ranges[i][1]);
  }
  return is_listed;
}

/**
 * Reads a chip's name in lower case, without space around it and without hyphens, underscores and spaces in it.
 *
 * @return `false` for what is no chip's name: it is too long, or has another character in it.
 */
static bool read_name(tbo_json_t value, char name[NAME_SIZE]) {
  size_t length = 0;
  bool has_begun = false;
  bool is_broken = false; /* by other space than U+0020; no matter if nothing follows */
  uint32_t c;
  for (tbo_json_t raw = tbo_json_raw(value); tbo_json_next_code_point(&raw, &c);) {
    if (is_space(c)) {
      is_broken = is_broken || (has_begun && c != ' ');
      continue;
    }
    has_begun = true;
    if (is_broken) return false;
    if (c == '-' || c == '_') continue;
    if (length == NAME_SIZE - 1 || c >= 0x80) return false;
    name[length++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  }
  name[length] = '\0';
  return true;
}

bool tbo_release_allows_chip(const tbo_release_t *release, uint16_t chip_id) {
  static const char family[] = {'e', 's', 'p', '3', '2'};
  char name[NAME_SIZE] = "";
  bool is_chip = false;
  bool is_listed = false;
  if (!read_name(release->hardware, name) || memcmp(name, family, sizeof family) != 0) return true;
  for (unsigned i = 0; i < CHIP_COUNT; i++) {
    is_listed = is_listed || CHIPS[i].id == chip_id;
    if (strcmp(name + sizeof family, CHIPS[i].name) != 0) continue;
    if (CHIPS[i].id == chip_id) return true;
    is_chip = true;
  }
  /* "esp32" stands for every chip of the list, as in everyday speech. */
  return name[sizeof family] == '\0' ? is_listed : !is_chip;
}
