// SPDX-License-Identifier: MIT
#include "machine.h"

#include <string.h>

/** Stores the attempt as it began, with how it stands now. */
static void store_attempt(tbo_t *tbo, bool is_proven, tbo_code_t error) {
  if (!tbo->tried.is_present) return;
  tbo->record.attempt = tbo->tried;
  if (is_proven) tbo->record.attempt.is_proven = true;
  if (error != TBO_CODE_NONE) {
    strncpy(tbo->record.attempt.error, tbo_code_text(error), TBO_CODE_SIZE - 1u);
    tbo->record.attempt.error[TBO_CODE_SIZE - 1u] = 0;
  }
  tbo_store_record(tbo);
}

static void confirm(tbo_t *tbo) {
  tbo->is_decided = true;
  store_attempt(tbo, true, TBO_CODE_NONE);
  tbo_flash(tbo, TBO_FLASH_MARK_VALID, 0, 0, NULL);
}

void tbo_probation_start(tbo_t *tbo) {
  tbo->tried = tbo->record.attempt;
  tbo->has_passed = false;
  tbo->is_decided = false;
  tbo->is_extended = false;
  tbo->network = TBO_NETWORK_UNKNOWN;
  tbo->activity = TBO_ON_PROBATION;
}

static void wait(tbo_t *tbo) {
  uint64_t at = tbo->now + tbo->probation_ms;
  if (at > tbo->probation_latest) at = tbo->probation_latest;
  // An event may overtake a timer that is due.
  tbo_set_timer(tbo, TBO_TIMER_PROBATION, at > tbo->now ? at : tbo->now);
}

void tbo_probation_begin(tbo_t *tbo, uint32_t duration_ms, uint32_t max_ms) {
  tbo->probation_ms = duration_ms;
  tbo->probation_latest = tbo->now + (max_ms > duration_ms ? max_ms : duration_ms);
  wait(tbo);
}

void tbo_give_up(tbo_t *tbo, tbo_code_t code) {
  tbo->has_passed = false;
  tbo->is_decided = true;
  store_attempt(tbo, false, code);
  // Reported before the reset that follows.
  tbo_set_error(tbo, code, 0);
  tbo_report_publish(tbo);
  tbo->port->clear_timer(tbo->port->context, TBO_TIMER_PROBATION);
  tbo_flash(tbo, TBO_FLASH_ROLL_BACK, 0, 0, NULL);
}

void tbo_probation_over(tbo_t *tbo) {
  if (tbo->is_decided) return;
  bool has_network = tbo->network == TBO_NETWORK_UP || tbo->network == TBO_NETWORK_BROKER_REFUSED;
  if (!tbo->is_connected && has_network && tbo->now < tbo->probation_latest) {
    // The broker may be overloaded or on its way back: not the image's fault.
    tbo->is_extended = true;
    wait(tbo);
    return;
  }
  if (tbo->is_connected) tbo_give_up(tbo, TBO_CODE_SELF_TEST_UNANSWERED);
  else if (tbo->network == TBO_NETWORK_BROKER_REFUSED) tbo_give_up(tbo, TBO_CODE_BROKER_REFUSED);
  else tbo_give_up(tbo, tbo->network == TBO_NETWORK_DOWN ? TBO_CODE_NETWORK_DOWN : TBO_CODE_BROKER_NOT_REACHED);
}

void tbo_probation_connected(tbo_t *tbo) {
  if (tbo->is_decided) return;
  if (tbo->has_passed) confirm(tbo);
  // The self-test of an image that came late gets its time too.
  else if (tbo->is_extended) wait(tbo);
}

void tbo_probation_self_test(tbo_t *tbo, bool passed) {
  if (tbo->is_decided) return;
  if (!passed) {
    tbo_give_up(tbo, TBO_CODE_SELF_TEST_FAILED);
    return;
  }
  tbo->has_passed = true;
  if (tbo->is_connected) confirm(tbo);
}

void tbo_probation_flash(tbo_t *tbo, const tbo_flash_answer_t *answer) {
  if (answer->operation == TBO_FLASH_MARK_VALID) {
    if (answer->esp_err != 0) tbo_give_up(tbo, TBO_CODE_IMAGE_REJECTED);
    else tbo_finish(tbo, TBO_OUTCOME_CONFIRMED, &tbo->tried);
  } else if (answer->operation == TBO_FLASH_ROLL_BACK && answer->esp_err != 0) {
    tbo_set_error(tbo, TBO_CODE_NO_ROLLBACK, 0);
    tbo_finish(tbo, TBO_OUTCOME_FAILED, &tbo->tried);
  }
}
