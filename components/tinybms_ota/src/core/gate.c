// SPDX-License-Identifier: MIT
#include "machine.h"

#include <string.h>

enum { ASK_INTERVAL_MS = 60000 };
#define EPOCH_MAX 2147483647u

/* ---- Asking the broker again ---- */

static uint64_t retained_ready_at(tbo_t *tbo) {
  uint64_t latest = tbo->now;
  for (unsigned judge = 0; judge < TBO_JUDGE_COUNT; judge++) {
    uint64_t ready = tbo_budget_ready_at(&tbo->budgets[judge][1], tbo->now);
    if (ready > latest) latest = ready;
  }
  return latest;
}

static void retry_at(tbo_t *tbo, uint64_t ready) {
  uint64_t at = tbo->has_asked ? tbo->asked_at + ASK_INTERVAL_MS : 0;
  tbo->is_retry_due = true;
  tbo_set_timer(tbo, TBO_TIMER_VERIFY, at > ready ? at : ready);
}

void tbo_postpone(tbo_t *tbo, tbo_drop_t reason) {
  tbo_drop(tbo, reason);
  if (!tbo->is_retry_due) retry_at(tbo, retained_ready_at(tbo));
}

void tbo_on_verify_timer(tbo_t *tbo) {
  uint64_t ready = retained_ready_at(tbo);
  tbo->is_retry_due = false;
  if (ready > tbo->now) retry_at(tbo, ready);
  else tbo_subscribe_to_offers(tbo);
}

/* ---- Reading envelopes ---- */

/** Decodes the envelope in the message buffer into the examination. */
static bool open_envelope(tbo_t *tbo, size_t length) {
  tbo_examination_t *exam = &tbo->exam;
  tbo_json_t root;
  uint8_t digest[32];
  char *message = (char *)tbo->message;
  tbo_hash(tbo->port, tbo->message, length, digest);
  memcpy(exam->name, digest, sizeof exam->name);
  if (length > TBO_ENVELOPE_MAX || !tbo_json_check(message, length, TBO_JSON_DEPTH_MAX, &root)) return false;
  if (!tbo_envelope_check(root)) return false;
  tbo_envelope_decode(message, root, &exam->envelope);
  exam->document.bytes = exam->envelope.payload;
  exam->document.length = exam->envelope.payload_length;
  return true;
}

static bool is_withdrawal(const tbo_offer_t *offer) { return tbo_json_type(offer->release) == TBO_JSON_NULL; }

static bool open_offer(const tbo_t *tbo, tbo_offer_t *offer) {
  const tbo_piece_t *document = &tbo->exam.document;
  return tbo_offer_parse((const char *)document->bytes, document->length, offer);
}

/**
 * Parses the release in an offer. The release stays decoded in the message buffer.
 *
 * @param envelope Receives the release's envelope.
 */
static bool open_release(const tbo_t *tbo, const tbo_offer_t *offer, tbo_envelope_t *envelope, tbo_release_t *release) {
  tbo_envelope_decode((char *)tbo->message, offer->release, envelope);
  return tbo_release_parse((const char *)envelope->payload, envelope->payload_length, release);
}

/**
 * Checks the release in an offer, and leaves the offer as it was.
 *
 * @param count Receives the number of the release's signatures.
 */
static bool check_release(const tbo_t *tbo, const tbo_offer_t *offer, unsigned *count) {
  tbo_envelope_t envelope;
  tbo_release_t release;
  bool is_right = open_release(tbo, offer, &envelope, &release);
  *count = (unsigned)envelope.count;
  tbo_envelope_encode(&envelope);
  return is_right;
}

/* ---- Offers ---- */

static int compare_with_accepted(const tbo_t *tbo, const tbo_offer_t *offer) {
  const tbo_record_t *record = &tbo->record;
  if (offer->epoch != record->epoch) return offer->epoch < record->epoch ? -1 : 1;
  if (offer->sequence != record->sequence) return offer->sequence < record->sequence ? -1 : 1;
  return 0;
}

static void refuse_offer(tbo_t *tbo, const tbo_offer_t *offer, tbo_drop_t reason, tbo_code_t code, bool is_authentic) {
  tbo_refuse(tbo, reason, code);
  tbo_answer(tbo, offer->id, TBO_STATE_REJECTED, code, is_authentic);
}

/** Takes an authentic offer up. */
static void admit(tbo_t *tbo, const tbo_offer_t *offer) {
  tbo_envelope_t envelope;
  tbo_release_t release;
  uint8_t payload_sha256[32];
  bool is_known = compare_with_accepted(tbo, offer) == 0;
  tbo_hash(tbo->port, tbo->exam.document.bytes, tbo->exam.document.length, payload_sha256);
  if (is_known && memcmp(payload_sha256, tbo->record.payload_sha256, sizeof payload_sha256) != 0) {
    refuse_offer(tbo, offer, TBO_DROP_STALE_OFFER, TBO_CODE_SEQUENCE_CONFLICT, true);
    return;
  }
  if (is_withdrawal(offer)) tbo_take_up(tbo, offer, NULL, payload_sha256, is_known);
  else if (open_release(tbo, offer, &envelope, &release)) tbo_take_up(tbo, offer, &release, payload_sha256, is_known);
}

static void offer_judged(tbo_t *tbo, tbo_exam_result_t result, tbo_code_t code) {
  tbo_offer_t offer;
  if (result == TBO_EXAM_CHECK) return;
  if (result == TBO_EXAM_POSTPONED) {
    tbo_postpone(tbo, TBO_DROP_TOO_MANY);
    return;
  }
  if (tbo->exam.is_second) tbo_envelope_encode(&tbo->exam.envelope);
  if (!open_offer(tbo, &offer)) return;
  if (code != TBO_CODE_NONE) refuse_offer(tbo, &offer, TBO_DROP_UNTRUSTED, code, false);
  else admit(tbo, &offer);
}

/** Returns false if the order of offers forbids this one. */
static bool check_order(tbo_t *tbo, const tbo_offer_t *offer, bool is_retained) {
  uint32_t expected = tbo->keys_epoch;
  int order = compare_with_accepted(tbo, offer);
  if (expected != 0 && offer->epoch > expected) {
    tbo_drop(tbo, TBO_DROP_EARLY);
    tbo_answer(tbo, offer->id, TBO_STATE_WAITING, TBO_CODE_WRONG_EPOCH, false);
    return false;
  }
  // A standing offer that the accepted one replaced is no attack. The broker repeats it at each connect.
  bool is_former = offer->epoch < expected;
  if (is_retained && (order < 0 || (order == 0 && is_former))) {
    tbo_drop(tbo, TBO_DROP_STALE_OFFER);
    return false;
  }
  if (is_former) {
    refuse_offer(tbo, offer, TBO_DROP_STALE_OFFER, TBO_CODE_WRONG_EPOCH, false);
    return false;
  }
  if (order >= 0) return true;
  refuse_offer(tbo, offer, TBO_DROP_STALE_OFFER, TBO_CODE_STALE, false);
  return false;
}

void tbo_on_offer(tbo_t *tbo, size_t length, bool is_retained) {
  const tbo_config_t *config = &tbo->config;
  tbo_offer_t offer;
  tbo_code_t code = TBO_CODE_NONE;
  unsigned release_count = 0;
  if (!open_envelope(tbo, length) || !open_offer(tbo, &offer) ||
      (!is_withdrawal(&offer) && !check_release(tbo, &offer, &release_count))) {
    tbo_refuse(tbo, TBO_DROP_MALFORMED, length > TBO_ENVELOPE_MAX ? TBO_CODE_MESSAGE_TOO_LARGE : TBO_CODE_MALFORMED);
    return;
  }
  if (!tbo_json_equals(offer.topic_root, config->topic_root, strlen(config->topic_root)) ||
      !tbo_offer_admits(&offer, config->device, strlen(config->device), tbo->port)) {
    tbo_drop(tbo, TBO_DROP_NOT_FOR_US);
    return;
  }
  if (!check_order(tbo, &offer, is_retained)) return;
  if (tbo->keys_epoch == 0) {
    bool is_allowed = config->allow_unsigned && !tbo->is_locked;
    tbo->exam.is_second = false;
    offer_judged(tbo, TBO_EXAM_DONE, is_allowed ? TBO_CODE_NONE : TBO_CODE_UNTRUSTED);
    return;
  }
  unsigned count = (unsigned)tbo->exam.envelope.count + release_count;
  tbo_exam_result_t result = tbo_exam_begin(tbo, TBO_JUDGE_OFFERS, is_retained, count, TBO_CODE_NONE, &code);
  offer_judged(tbo, result, code);
}

/* ---- Key sets ---- */

/** Trusts the next key set. It ends a download that the former one allowed, unless the image is already set to boot. */
static void take_key_set(tbo_t *tbo) {
  tbo_key_set_t set;
  const tbo_piece_t *document = &tbo->exam.document;
  char *text = (char *)tbo->message + (document->bytes - tbo->message);
  char former[TBO_TOPIC_SIZE];
  if (!tbo_key_set_parse(text, document->length, (uint8_t *)tbo->scratch, tbo->port, &set)) return;
  tbo_topic(tbo, TBO_TOPIC_KEYS, NULL, former);
  tbo_keys_take(tbo, &set);
  tbo_store_keys(tbo, text, document->length);
  if (tbo->is_connected) tbo->port->unsubscribe(tbo->port->context, former);
  tbo_subscribe_to_offers(tbo);
  if (tbo->activity != TBO_DOWNLOADS || tbo->download.phase == TBO_PHASE_SWITCH) return;
  tbo_end_download(tbo, TBO_STATE_REJECTED, NULL);
  tbo_set_error(tbo, TBO_CODE_WRONG_EPOCH, 0);
}

static void key_set_judged(tbo_t *tbo, tbo_exam_result_t result, tbo_code_t code) {
  if (result == TBO_EXAM_CHECK) return;
  if (result == TBO_EXAM_POSTPONED) tbo_postpone(tbo, TBO_DROP_TOO_MANY);
  else if (code != TBO_CODE_NONE) tbo_refuse(tbo, TBO_DROP_UNTRUSTED, code);
  else take_key_set(tbo);
}

void tbo_on_key_set(tbo_t *tbo, size_t length, bool is_retained) {
  const tbo_config_t *config = &tbo->config;
  tbo_examination_t *exam = &tbo->exam;
  tbo_key_set_t set;
  tbo_code_t problem = TBO_CODE_NONE;
  tbo_code_t code = TBO_CODE_NONE;
  unsigned count = 0;
  if (tbo->keys_epoch == 0) {
    tbo_drop(tbo, TBO_DROP_NOT_FOR_US);
    return;
  }
  if (!open_envelope(tbo, length)) {
    problem = length > TBO_ENVELOPE_MAX ? TBO_CODE_MESSAGE_TOO_LARGE : TBO_CODE_MALFORMED;
  } else {
    count = 2u * (unsigned)exam->envelope.count;
    if (!tbo_key_set_parse((const char *)exam->document.bytes, exam->document.length, (uint8_t *)tbo->scratch,
                           tbo->port, &set)) {
      problem = TBO_CODE_MALFORMED;
    } else if (tbo->keys_epoch == EPOCH_MAX || set.epoch != tbo->keys_epoch + 1u) {
      problem = TBO_CODE_KEY_SET_EPOCH;
    } else if (!tbo_json_equals(set.product, config->product, strlen(config->product))) {
      problem = TBO_CODE_KEY_SET_PRODUCT;
    }
  }
  key_set_judged(tbo, tbo_exam_begin(tbo, TBO_JUDGE_KEY_SETS, is_retained, count, problem, &code), code);
}

void tbo_on_verified(tbo_t *tbo, bool is_valid) {
  tbo_code_t code = TBO_CODE_NONE;
  if (!tbo->exam.is_open) return;
  tbo_exam_result_t result = tbo_exam_answer(tbo, is_valid, &code);
  if (tbo->exam.judge == TBO_JUDGE_OFFERS) offer_judged(tbo, result, code);
  else key_set_judged(tbo, result, code);
}
