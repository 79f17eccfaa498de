// SPDX-License-Identifier: MIT
#include "machine.h"

#include <string.h>

bool tbo_is_running(const tbo_t *tbo, const uint8_t image[32]) { return memcmp(tbo->boot.sha256, image, 32) == 0; }

static void name_offer(tbo_t *tbo, const uint8_t offer[16], const uint8_t *image) {
  memcpy(tbo->offer, offer, sizeof tbo->offer);
  tbo->has_offer = true;
  tbo->has_image = image != NULL;
  if (image != NULL) memcpy(tbo->image, image, sizeof tbo->image);
}

void tbo_resume(tbo_t *tbo) {
  const tbo_outcome_t *outcome = &tbo->record.outcome;
  name_offer(tbo, outcome->offer, outcome->image);
  memcpy(tbo->error.code, outcome->error, sizeof tbo->error.code);
  tbo->error.esp_err = 0;
  if (outcome->kind == TBO_OUTCOME_ROLLED_BACK) tbo_rest(tbo, TBO_STATE_ROLLED_BACK);
  else if (outcome->kind == TBO_OUTCOME_FAILED) tbo_rest(tbo, TBO_STATE_FAILED);
  else if (tbo_is_running(tbo, outcome->image)) tbo_rest(tbo, TBO_STATE_CONFIRMED);
}

/** Returns whether the accepted offer, delivered again, changes nothing: an activity goes on, what ended stays ended. */
static bool stands(tbo_t *tbo, const tbo_offer_t *offer) {
  const tbo_outcome_t *outcome = &tbo->record.outcome;
  bool is_named = tbo->has_offer && memcmp(tbo->offer, offer->id, sizeof tbo->offer) == 0;
  if (tbo->activity != TBO_RESTING) return is_named;
  // A new will would take a new connection, on which the broker delivers the withdrawal again.
  if (is_named && strcmp(tbo->error.code, tbo_code_text(TBO_CODE_WITHDRAWN)) == 0) return true;
  if (outcome->kind == TBO_OUTCOME_NONE || memcmp(outcome->offer, offer->id, sizeof outcome->offer) != 0) return false;
  if (outcome->kind == TBO_OUTCOME_CONFIRMED && !tbo_is_running(tbo, outcome->image)) return false;
  tbo_resume(tbo);
  return true;
}

static void set_floor(tbo_t *tbo, const tbo_offer_t *offer) {
  tbo_record_t *record = &tbo->record;
  bool has_floor = record->floor_time.text[0] != 0 && record->floor_epoch == offer->epoch;
  if (has_floor && tbo_time_is_earlier(&offer->issued_at, &record->floor_time)) return;
  record->floor_epoch = offer->epoch;
  record->floor_time = offer->issued_at;
}

/** A signed offer tells the time even if the device can't take it. */
static void raise_floor(tbo_t *tbo, const tbo_offer_t *offer) {
  tbo_time_t scratch;
  const tbo_time_t *floor = tbo_time_floor(tbo, offer->epoch, &scratch);
  if (tbo->keys_epoch == 0 || (floor != NULL && !tbo_time_is_earlier(floor, &offer->issued_at))) return;
  set_floor(tbo, offer);
  tbo_store_record(tbo);
}

static void reject(tbo_t *tbo, const tbo_offer_t *offer, tbo_code_t code) {
  raise_floor(tbo, offer);
  bool is_rejected = tbo->rest_state == TBO_STATE_REJECTED;
  if (tbo->activity != TBO_RESTING || (tbo->rest_state != TBO_STATE_IDLE && !is_rejected)) {
    // The retained report stays about the current offer, and how it ended.
    tbo_answer(tbo, offer->id, TBO_STATE_REJECTED, code, true);
    return;
  }
  if (is_rejected && tbo->has_offer && memcmp(tbo->offer, offer->id, sizeof tbo->offer) == 0) return;
  if (!tbo_may_answer(tbo, true)) return;
  name_offer(tbo, offer->id, NULL);
  tbo_set_error(tbo, code, 0);
  tbo_rest(tbo, TBO_STATE_REJECTED);
}

static void accept(tbo_t *tbo, const tbo_offer_t *offer, const uint8_t payload_sha256[32]) {
  tbo_record_t *record = &tbo->record;
  record->epoch = offer->epoch;
  record->sequence = offer->sequence;
  record->has_payload_sha256 = true;
  memcpy(record->payload_sha256, payload_sha256, sizeof record->payload_sha256);
  set_floor(tbo, offer);
  record->is_whole = false;
  memset(&record->attempt, 0, sizeof record->attempt);
  memset(&record->outcome, 0, sizeof record->outcome);
  tbo_store_record(tbo);
}

static bool must_wait(const tbo_t *tbo) {
  if (tbo->activity == TBO_ON_PROBATION || tbo->activity == TBO_CONDEMNS) return true;
  return tbo->activity == TBO_DOWNLOADS && tbo->download.phase == TBO_PHASE_SWITCH;
}

void tbo_take_up(tbo_t *tbo, const tbo_offer_t *offer, const tbo_release_t *release, const uint8_t payload_sha256[32],
                 bool is_known) {
  if (is_known && stands(tbo, offer)) return;
  if (must_wait(tbo)) {
    tbo->is_offer_waiting = true;
    tbo_answer(tbo, offer->id, TBO_STATE_WAITING, TBO_CODE_NONE, true);
    return;
  }
  // An accepted offer was taken while the device knew the time. After a reset it waits for the time to come back.
  bool has_clock = is_known || tbo->has_clock;
  if (release != NULL && !has_clock && tbo_offer_needs_clock(offer)) tbo->is_clock_awaited = true;
  tbo_code_t problem = release == NULL ? TBO_CODE_NONE : tbo_offer_problem(tbo, offer, release, has_clock);
  if (problem != TBO_CODE_NONE) {
    reject(tbo, offer, problem);
    return;
  }
  bool is_here = release != NULL && tbo_is_running(tbo, release->sha256);
  if (tbo->activity == TBO_DOWNLOADS) {
    tbo_end_download(tbo, TBO_STATE_IDLE, release == NULL || is_here ? NULL : release->sha256);
  }
  if (!is_known) accept(tbo, offer, payload_sha256);
  name_offer(tbo, offer->id, release == NULL ? NULL : release->sha256);
  tbo_set_error(tbo, release == NULL ? TBO_CODE_WITHDRAWN : TBO_CODE_NONE, 0);
  if (release == NULL) tbo_end_offer(tbo, TBO_STATE_IDLE);
  else if (is_here) tbo_finish(tbo, TBO_OUTCOME_CONFIRMED, NULL);
  else tbo_download_start(tbo, offer, release);
}
