// SPDX-License-Identifier: MIT
#include "machine.h"

#include <string.h>

/** Longest probation of an image that has network and does not reach the broker, if the offer stated none. */
enum { PROBATION_MAX_MS = 900000 };

static void begin_probation(tbo_t *tbo, bool has_one_start_more) {
  const tbo_attempt_t *attempt = &tbo->record.attempt;
  uint32_t duration = attempt->is_present ? attempt->probation_ms : tbo->config.timing.probation_ms;
  uint32_t max = attempt->probation_max_ms != 0 ? attempt->probation_max_ms : PROBATION_MAX_MS;
  if (has_one_start_more) {
    tbo->record.attempt.attempts++;
    tbo_store_record(tbo);
  }
  tbo_probation_start(tbo);
  tbo_probation_begin(tbo, duration, max);
}

static void roll_back(tbo_t *tbo, tbo_code_t code) {
  tbo_probation_start(tbo);
  tbo_give_up(tbo, code);
}

/** Makes the image of the attempt unbootable: the image before it runs again, for good. */
static void condemn(tbo_t *tbo) {
  const char *error = tbo->record.attempt.error;
  tbo->activity = TBO_CONDEMNS;
  tbo_set_error(tbo, TBO_CODE_SELF_TEST_FAILED, 0);
  if (error[0] != 0) memcpy(tbo->error.code, error, sizeof tbo->error.code);
  // Erased before anything touches its otadata entry: a torn record could make it selectable again.
  tbo_flash(tbo, TBO_FLASH_ERASE, 0, TBO_CHUNK_SIZE, NULL);
}

/** The image of the attempt runs. */
static void go_on_with_attempt(tbo_t *tbo) {
  const tbo_attempt_t *attempt = &tbo->record.attempt;
  if (tbo->boot.pending_verify) begin_probation(tbo, false);
  else if (attempt->is_proven) tbo_finish(tbo, TBO_OUTCOME_CONFIRMED, attempt);
  // otadata lost its protection in a power cut, or the bootloader never rolls back: the machine counts alone.
  else if (attempt->attempts >= TBO_ATTEMPTS_MAX) roll_back(tbo, TBO_CODE_ATTEMPTS_EXHAUSTED);
  else begin_probation(tbo, true);
}

void tbo_on_booted(tbo_t *tbo, const tbo_boot_t *boot) {
  const tbo_attempt_t *attempt = &tbo->record.attempt;
  tbo->boot = *boot;
  tbo->is_booted = true;
  memset(&tbo->record, 0, sizeof tbo->record);
  if (boot->record != NULL) tbo_record_read(boot->record, boot->record_length, &tbo->record);
  tbo->boot.record = NULL;
  tbo_keys_resume(tbo);
  tbo->has_offer = tbo->has_image = attempt->is_present;
  if (!attempt->is_present) {
    if (boot->pending_verify) begin_probation(tbo, false);
    else if (tbo->record.outcome.kind != TBO_OUTCOME_NONE) tbo_resume(tbo);
    return;
  }
  memcpy(tbo->offer, attempt->offer, sizeof tbo->offer);
  memcpy(tbo->image, attempt->image, sizeof tbo->image);
  if (tbo_is_running(tbo, attempt->image)) go_on_with_attempt(tbo);
  // It is on probation and is not what the device accepted. The target slot holds the image to go back to.
  else if (boot->pending_verify) roll_back(tbo, TBO_CODE_IMAGE_MISMATCH);
  else if (attempt->attempts >= TBO_ATTEMPTS_MAX || attempt->error[0] != 0) condemn(tbo);
}
