// SPDX-License-Identifier: MIT
#include "offer.h"

#include "envelope.h"
#include "hex.h"
#include "schema.h"
#include "topic.h"
#include "words.h"

#include <string.h>

enum { IMAGE_ID_SIZE = 16, SALT_MAX = 32, HOUR_MS = 3600000 };

/** Returns `true` if a member is absent, or a list of at most `max` items that all pass a check. */
static bool is_optional_list(tbo_json_t list, size_t min, size_t max, bool (*check)(tbo_json_t)) {
  if (list.text == NULL) return true;
  if (!tbo_schema_is_list(list, min, max)) return false;
  for (tbo_json_t item = tbo_json_first(list); item.text != NULL; item = tbo_json_next(list, item)) {
    if (!check(item)) return false;
  }
  return true;
}

static bool is_device(tbo_json_t value) {
  tbo_json_t raw = tbo_json_raw(value);
  return raw.text != NULL && tbo_topic_is_device(raw.text, raw.length);
}

static bool is_image_id(tbo_json_t value) {
  uint8_t image[IMAGE_ID_SIZE];
  return tbo_json_hex(value, image, sizeof image);
}

static bool is_encoding(tbo_json_t value) { return tbo_schema_is_name(value, 16); }

static bool is_feature(tbo_json_t value) { return tbo_schema_is_text(value, 1, 64); }

/** Reads a rollout's salt and returns its size in bytes; 0 if it is not 1 to 32 bytes in hexadecimal. */
static size_t read_salt(tbo_json_t rollout, uint8_t salt[SALT_MAX]) {
  tbo_json_t raw = tbo_json_raw(tbo_json_member(rollout, "salt"));
  size_t size = raw.length / 2;
  if (raw.text == NULL || size == 0 || size > SALT_MAX || raw.length % 2 != 0) return 0;
  return tbo_hex_decode(raw.text, salt, size) ? size : 0;
}

static bool is_target(tbo_json_t target) {
  uint8_t salt[SALT_MAX];
  uint32_t permille;
  if (tbo_json_equals(target, "all", 3)) return true;
  tbo_json_t devices = tbo_json_member(target, "devices");
  tbo_json_t rollout = tbo_json_member(target, "rollout");
  if (devices.text != NULL) return rollout.text == NULL && is_optional_list(devices, 1, 256, is_device);
  return tbo_schema_number(rollout, "permille", 0, 1000, &permille) && read_salt(rollout, salt) > 0;
}

/** Reads `constraints`, if it is there. */
static bool read_constraints(tbo_json_t constraints, tbo_offer_t *offer) {
  uint32_t percent;
  offer->from_images = tbo_json_member(constraints, "from_images");
  if (constraints.text == NULL) return true;
  if (tbo_json_type(constraints) != TBO_JSON_OBJECT) return false;
  if (!tbo_schema_optional_number(constraints, "min_battery_percent", 0, 100, &percent)) return false;
  return is_optional_list(offer->from_images, 1, 64, is_image_id);
}

/** Reads `waive`, if it is there. */
static bool read_waived(tbo_json_t list, tbo_offer_t *offer) {
  static const char *const names[] = {"chip-id", "project-name", "constraints"};
  offer->waived = 0;
  if (list.text == NULL) return true;
  if (!tbo_schema_is_list(list, 0, 3)) return false;
  for (tbo_json_t item = tbo_json_first(list); item.text != NULL; item = tbo_json_next(list, item)) {
    unsigned i = 0;
    while (i < 3 && !tbo_json_equals(item, names[i], strlen(names[i]))) i++;
    if (i == 3) return false;
    offer->waived |= (uint8_t)(1u << i);
  }
  return true;
}

/** Reads a time that may be absent: it is then empty. */
static bool read_optional_time(tbo_json_t root, const char *name, tbo_time_t *time) {
  memset(time, 0, sizeof *time);
  return tbo_json_member(root, name).text == NULL || tbo_schema_time(root, name, time);
}

static bool read_times(tbo_json_t root, tbo_offer_t *offer) {
  return tbo_schema_time(root, "issued_at", &offer->issued_at) &&
         read_optional_time(root, "expires_at", &offer->expires_at) &&
         read_optional_time(root, "install_after", &offer->install_after);
}

/** Reads `between`, if it is there. */
static bool read_window(tbo_json_t between, tbo_window_t *window) {
  uint32_t offset = 0;
  memset(window, 0, sizeof *window);
  if (between.text == NULL) return true;
  if (!tbo_schema_number(between, "start_minute", 0, 1439, &window->start)) return false;
  if (!tbo_schema_optional_number(between, "offset_minutes", -840, 840, &offset)) return false;
  window->offset = (int32_t)offset;
  return tbo_schema_number(between, "minutes", 1, 1440, &window->minutes);
}

static bool read_numbers(tbo_json_t root, tbo_offer_t *offer) {
  if (!tbo_schema_constant(root, "offer", 1) || !tbo_schema_hex(root, "id", offer->id, sizeof offer->id)) return false;
  if (!tbo_schema_number(root, "epoch", 1, INT32_MAX, &offer->epoch)) return false;
  if (!tbo_schema_number(root, "sequence", 1, INT32_MAX, &offer->sequence)) return false;
  if (!tbo_schema_optional_number(root, "spread_ms", 0, HOUR_MS, &offer->spread_ms)) return false;
  if (!tbo_schema_optional_number(root, "restart_spread_ms", 0, HOUR_MS, &offer->restart_spread_ms)) return false;
  return tbo_schema_optional_number(root, "probation_ms", 1000, HOUR_MS, &offer->probation_ms) &&
         tbo_schema_optional_number(root, "probation_max_ms", 1000, HOUR_MS, &offer->probation_max_ms);
}

bool tbo_offer_parse(const char *payload, size_t length, tbo_offer_t *offer) {
  tbo_json_t root;
  if (length > TBO_ENVELOPE_MAX || !tbo_json_check(payload, length, TBO_JSON_DEPTH_MAX, &root)) return false;
  offer->topic_root = tbo_json_member(root, "topic_root");
  offer->release = tbo_json_member(root, "release");
  offer->target = tbo_json_member(root, "target");
  offer->chunk_encodings = tbo_json_member(root, "chunk_encodings");
  offer->critical = tbo_json_member(root, "critical");
  if (!read_numbers(root, offer) || !read_times(root, offer)) return false;
  if (!tbo_schema_is_text(offer->topic_root, 1, TBO_TOPIC_ROOT_MAX) || !is_target(offer->target)) return false;
  if (tbo_json_type(offer->release) != TBO_JSON_NULL && !tbo_envelope_check(offer->release)) return false;
  if (offer->chunk_encodings.text == NULL || !is_optional_list(offer->chunk_encodings, 1, 4, is_encoding)) return false;
  if (!is_optional_list(offer->critical, 0, 16, is_feature)) return false;
  return read_constraints(tbo_json_member(root, "constraints"), offer) &&
         read_waived(tbo_json_member(root, "waive"), offer) &&
         read_window(tbo_json_member(root, "between"), &offer->between);
}

bool tbo_offer_admits(const tbo_offer_t *offer, const char *device, size_t device_length, tbo_hasher_t hasher) {
  if (tbo_json_type(offer->target) == TBO_JSON_STRING) return true;
  tbo_json_t devices = tbo_json_member(offer->target, "devices");
  for (tbo_json_t it = tbo_json_first(devices); it.text != NULL; it = tbo_json_next(devices, it)) {
    if (tbo_json_equals(it, device, device_length)) return true;
  }
  if (devices.text != NULL) return false;
  uint8_t salt[SALT_MAX];
  uint8_t digest[TBO_SHA256_SIZE];
  uint32_t permille = 0;
  tbo_json_t rollout = tbo_json_member(offer->target, "rollout");
  (void)tbo_schema_number(rollout, "permille", 0, 1000, &permille);
  hasher.sha256(hasher.context, salt, read_salt(rollout, salt), (const uint8_t *)device, device_length, digest);
  uint32_t draw = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
  return draw % 1000 < permille;
}

/** Returns `true` for a member or feature that this receiver understands. */
static bool is_understood(tbo_json_t feature) {
  static const char names[] =
      "target\0constraints\0from_images\0waive\0expires_at\0spread_ms\0probation_ms\0probation_max_ms\0"
      "restart_spread_ms\0install_after\0between\0identity\0";
  return tbo_word(names, tbo_word_find(names, feature))[0] != 0;
}

bool tbo_offer_needs_clock(const tbo_offer_t *offer) {
  tbo_json_t list = offer->critical;
  for (tbo_json_t it = tbo_json_first(list); it.text != NULL; it = tbo_json_next(list, it)) {
    if (offer->between.minutes > 0 && tbo_json_equals(it, "between", 7)) return true;
    if (offer->install_after.text[0] != 0 && tbo_json_equals(it, "install_after", 13)) return true;
  }
  return false;
}

bool tbo_offer_is_supported(const tbo_offer_t *offer) {
  tbo_json_t list = offer->critical;
  for (tbo_json_t it = tbo_json_first(list); it.text != NULL; it = tbo_json_next(list, it)) {
    if (!is_understood(it)) return false;
  }
  list = offer->chunk_encodings;
  for (tbo_json_t it = tbo_json_first(list); it.text != NULL; it = tbo_json_next(list, it)) {
    if (tbo_json_equals(it, "identity", 8)) return true;
  }
  return false;
}

bool tbo_offer_starts_from(const tbo_offer_t *offer, const uint8_t running_sha256[TBO_SHA256_SIZE]) {
  tbo_json_t list = offer->from_images;
  for (tbo_json_t it = tbo_json_first(list); it.text != NULL; it = tbo_json_next(list, it)) {
    uint8_t image[IMAGE_ID_SIZE];
    if (tbo_json_hex(it, image, sizeof image) && memcmp(image, running_sha256, sizeof image) == 0) return true;
  }
  return list.text == NULL;
}
