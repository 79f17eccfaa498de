// SPDX-License-Identifier: MIT
#include "offer.h"

#include "envelope.h"
#include "hex.h"
#include "schema.h"
#include "topic.h"
#include "words.h"

#include <string.h>

enum { IMAGE_ID_SIZE = 16, SALT_MAX = 32, HOUR_MS = 3600000 };

static const char NAMES[] =
    "offer\0id\0epoch\0sequence\0spread_ms\0restart_spread_ms\0probation_ms\0probation_max_ms\0issued_at\0expires_at\0"
    "install_after\0topic_root\0target\0release\0chunk_encodings\0critical\0waive\0";
static const tbo_member_t MEMBERS[] = {
    {TBO_TYPE_NUMBER, 0, TBO_NOWHERE, 1, 1},
    {TBO_TYPE_HEX, 0, offsetof(tbo_offer_t, id), 0, 16},
    {TBO_TYPE_NUMBER, 0, offsetof(tbo_offer_t, epoch), 1, INT32_MAX},
    {TBO_TYPE_NUMBER, 0, offsetof(tbo_offer_t, sequence), 1, INT32_MAX},
    {TBO_TYPE_NUMBER | TBO_TYPE_OPTIONAL, 0, offsetof(tbo_offer_t, spread_ms), 0, HOUR_MS},
    {TBO_TYPE_NUMBER | TBO_TYPE_OPTIONAL, 0, offsetof(tbo_offer_t, restart_spread_ms), 0, HOUR_MS},
    {TBO_TYPE_NUMBER | TBO_TYPE_OPTIONAL, 0, offsetof(tbo_offer_t, probation_ms), 1000, HOUR_MS},
    {TBO_TYPE_NUMBER | TBO_TYPE_OPTIONAL, 0, offsetof(tbo_offer_t, probation_max_ms), 1000, HOUR_MS},
    {TBO_TYPE_TIME, 0, offsetof(tbo_offer_t, issued_at), 0, 0},
    {TBO_TYPE_TIME | TBO_TYPE_OPTIONAL, 0, offsetof(tbo_offer_t, expires_at), 0, 0},
    {TBO_TYPE_TIME | TBO_TYPE_OPTIONAL, 0, offsetof(tbo_offer_t, install_after), 0, 0},
    {TBO_TYPE_TEXT, 0, offsetof(tbo_offer_t, topic_root), 1, TBO_TOPIC_ROOT_MAX},
    {TBO_TYPE_ANY, 0, offsetof(tbo_offer_t, target), 0, 0},
    {TBO_TYPE_ANY, 0, offsetof(tbo_offer_t, release), 0, 0},
    {TBO_TYPE_NAME | TBO_TYPE_LIST, 16, offsetof(tbo_offer_t, chunk_encodings), 1, 4},
    {TBO_TYPE_TEXT | TBO_TYPE_LIST | TBO_TYPE_OPTIONAL, 64, offsetof(tbo_offer_t, critical), 0, 16},
    {TBO_TYPE_ANY | TBO_TYPE_LIST | TBO_TYPE_OPTIONAL, 0, TBO_NOWHERE, 0, 3},
};

static const char CONSTRAINT_NAMES[] = "min_battery_percent\0from_images\0";
static const tbo_member_t CONSTRAINTS[] = {
    {TBO_TYPE_NUMBER | TBO_TYPE_OPTIONAL, 0, TBO_NOWHERE, 0, 100},
    {TBO_TYPE_HEX | TBO_TYPE_LIST | TBO_TYPE_OPTIONAL, IMAGE_ID_SIZE, offsetof(tbo_offer_t, from_images), 1, 64},
};

static const char WINDOW_NAMES[] = "start_minute\0minutes\0offset_minutes\0";
static const tbo_member_t WINDOW[] = {
    {TBO_TYPE_NUMBER, 0, offsetof(tbo_window_t, start), 0, 1439},
    {TBO_TYPE_NUMBER, 0, offsetof(tbo_window_t, minutes), 1, 1440},
    {TBO_TYPE_NUMBER | TBO_TYPE_OPTIONAL, 0, offsetof(tbo_window_t, offset), -840, 840},
};

static const char TARGET_NAMES[] = "devices\0";
static const tbo_member_t TARGET[] = {
    {TBO_TYPE_DEVICE | TBO_TYPE_LIST | TBO_TYPE_OPTIONAL, TBO_DEVICE_NAME_MAX, 0, 1, 256},
};

static const char ROLLOUT_NAMES[] = "permille\0";
static const tbo_member_t ROLLOUT[] = {{TBO_TYPE_NUMBER, 0, 0, 0, 1000}};

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
  tbo_json_t devices = {NULL, 0};
  if (tbo_json_equals(target, "all", 3)) return true;
  tbo_json_t rollout = tbo_json_member(target, "rollout");
  if (!tbo_schema_read(target, TARGET_NAMES, TARGET, &devices)) return false;
  if (devices.text != NULL) return rollout.text == NULL;
  return tbo_schema_read(rollout, ROLLOUT_NAMES, ROLLOUT, &permille) && read_salt(rollout, salt) > 0;
}

/** Reads `waive`, if it is there. */
static bool read_waived(tbo_json_t list, tbo_offer_t *offer) {
  for (tbo_json_t item = tbo_json_first(list); item.text != NULL; item = tbo_json_next(list, item)) {
    unsigned position = tbo_word_find("chip-id\0project-name\0constraints\0", item);
    if (position == 3) return false;
    offer->waived |= (uint8_t)(1u << position);
  }
  return true;
}

bool tbo_offer_parse(const char *payload, size_t length, tbo_offer_t *offer) {
  tbo_json_t root;
  memset(offer, 0, sizeof *offer);
  if (length > TBO_ENVELOPE_MAX || !tbo_json_check(payload, length, TBO_JSON_DEPTH_MAX, &root)) return false;
  if (!tbo_schema_read(root, NAMES, MEMBERS, offer) || !is_target(offer->target)) return false;
  if (tbo_json_type(offer->release) != TBO_JSON_NULL && !tbo_envelope_check(offer->release)) return false;
  tbo_json_t between = tbo_json_member(root, "between");
  if (between.text != NULL && !tbo_schema_read(between, WINDOW_NAMES, WINDOW, &offer->between)) return false;
  tbo_json_t constraints = tbo_json_member(root, "constraints");
  if (constraints.text != NULL && tbo_json_type(constraints) != TBO_JSON_OBJECT) return false;
  return tbo_schema_read(constraints, CONSTRAINT_NAMES, CONSTRAINTS, offer) &&
         read_waived(tbo_json_member(root, "waive"), offer);
}

bool tbo_offer_admits(const tbo_offer_t *offer, const char *device, size_t device_length, const tbo_port_t *port) {
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
  (void)tbo_schema_read(rollout, ROLLOUT_NAMES, ROLLOUT, &permille);
  port->sha256(port->context, salt, read_salt(rollout, salt), (const uint8_t *)device, device_length, digest);
  uint32_t draw = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
  return draw % 1000 < permille;
}

/** Returns `true` for a member or feature that this receiver understands. */
static bool is_understood(tbo_json_t feature) {
  static const char names[] =
      "target\0constraints\0from_images\0waive\0expires_at\0spread_ms\0probation_ms\0probation_max_ms\0"
      "restart_spread_ms\0install_after\0between\0identity\0";
  return tbo_word(names, tbo_word_find(names, feature))[0] != '\0';
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
  return list.text == NULL || tbo_json_find_id(list, running_sha256) < tbo_json_count(list);
}
