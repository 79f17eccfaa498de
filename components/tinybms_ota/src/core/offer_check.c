// SPDX-License-Identifier: MIT
#include "machine.h"

#include <string.h>

const tbo_time_t *tbo_time_floor(const tbo_t *tbo, uint32_t epoch, tbo_time_t *scratch) {
  const tbo_time_t *latest = NULL;
  const char *built_at = tbo->boot.built_at;
  if (built_at != NULL && tbo_time_read(built_at, strlen(built_at), scratch)) latest = scratch;
  if (tbo->keys_epoch != 0 && (latest == NULL || tbo_time_is_earlier(latest, &tbo->keys_issued_at))) {
    latest = &tbo->keys_issued_at;
  }
  // Only offers of the same epoch count, so that a wrong time ends with its epoch.
  const tbo_time_t *floor = &tbo->record.floor_time;
  bool counts = floor->text[0] != 0 && tbo->record.floor_epoch == epoch;
  return counts && (latest == NULL || tbo_time_is_earlier(latest, floor)) ? floor : latest;
}

static bool is_expired(const tbo_t *tbo, const tbo_offer_t *offer) {
  tbo_time_t scratch;
  const tbo_time_t *floor = tbo_time_floor(tbo, offer->epoch, &scratch);
  if (offer->expires_at.text[0] == 0) return false;
  if (floor != NULL && tbo_time_is_earlier(&offer->expires_at, floor)) return true;
  if (!tbo->has_clock) return false;
  tbo_time_from_ms(tbo->clock + (int64_t)tbo->now, &scratch);
  return tbo_time_is_earlier(&offer->expires_at, &scratch);
}

static tbo_code_t slot_problem(const tbo_t *tbo, const tbo_release_t *release) {
  if (tbo_is_running(tbo, release->sha256)) return TBO_CODE_NONE; // nothing will be written
  if (tbo->boot.target_size == 0) return TBO_CODE_NO_SLOT;
  if (release->size > tbo->boot.target_size || TBO_LIST_SIZE(release->size) > tbo->area_size) return TBO_CODE_TOO_LARGE;
  return TBO_CODE_NONE;
}

tbo_code_t tbo_offer_problem(const tbo_t *tbo, const tbo_offer_t *offer, const tbo_release_t *release, bool has_clock) {
  const tbo_config_t *config = &tbo->config;
  if (!tbo_offer_is_supported(offer) || (!has_clock && tbo_offer_needs_clock(offer))) return TBO_CODE_UNSUPPORTED;
  if (is_expired(tbo, offer)) return TBO_CODE_EXPIRED;
  if (!tbo_json_equals(release->product, config->product, strlen(config->product))) return TBO_CODE_WRONG_PRODUCT;
  if ((offer->waived & TBO_WAIVE_CHIP_ID) == 0) {
    if (release->chip_id != config->chip_id) return TBO_CODE_WRONG_CHIP;
    if (!tbo_release_allows_chip(release, config->chip_id)) return TBO_CODE_WRONG_HARDWARE;
  }
  if (release->secure_version < tbo->boot.secure_version) return TBO_CODE_SECURE_VERSION;
  if ((offer->waived & TBO_WAIVE_CONSTRAINTS) == 0 && !tbo_offer_starts_from(offer, tbo->boot.sha256)) {
    return TBO_CODE_CONSTRAINT;
  }
  return slot_problem(tbo, release);
}
