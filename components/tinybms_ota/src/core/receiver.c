// SPDX-License-Identifier: MIT
#include "machine.h"

#include <string.h>

/** Time after which a publisher gives a silent device up. */
enum { UNREACHABLE_MS = 180000 };

#define EPOCH_MAX 2147483647u

/** Last millisecond of the year 9999: later times have no form in ISO 8601. */
#define UTC_MAX 253402300799999u

_Static_assert(sizeof(struct tbo) <= TBO_STATE_SIZE, "TBO_STATE_SIZE is too small");

/* ---- What the parts share ---- */

void tbo_topic(const tbo_t *tbo, tbo_topic_kind_t kind, const uint8_t *image, char out[TBO_TOPIC_SIZE]) {
  tbo_topic_t topic = {.kind = kind, .device = tbo->config.device, .device_length = strlen(tbo->config.device)};
  topic.epoch = tbo->keys_epoch + 1u;
  if (image != NULL) memcpy(topic.image, image, sizeof topic.image);
  tbo_topic_write(tbo->config.topic_root, &topic, out);
}

void tbo_subscribe(tbo_t *tbo, tbo_topic_kind_t kind, const uint8_t *image, bool is_wanted) {
  char topic[TBO_TOPIC_SIZE];
  tbo_topic(tbo, kind, image, topic);
  if (is_wanted) tbo->port->subscribe(tbo->port->context, topic);
  else tbo->port->unsubscribe(tbo->port->context, topic);
}

void tbo_subscribe_to_offers(tbo_t *tbo) {
  if (!tbo->is_connected) return;
  tbo->has_asked = true;
  tbo->asked_at = tbo->now;
  // The key set comes first, because it decides which offers count.
  if (tbo->keys_epoch != 0 && tbo->keys_epoch != EPOCH_MAX) tbo_subscribe(tbo, TBO_TOPIC_KEYS, NULL, true);
  tbo_subscribe(tbo, TBO_TOPIC_OFFER, NULL, true);
  tbo_subscribe(tbo, TBO_TOPIC_DEVICE_OFFER, NULL, true);
}

void tbo_set_timer(tbo_t *tbo, tbo_timer_t timer, uint64_t at) { tbo->port->set_timer(tbo->port->context, timer, at); }

void tbo_flash(tbo_t *tbo, tbo_flash_t operation, uint32_t offset, uint32_t length, const uint8_t *bytes) {
  if (operation == TBO_FLASH_ERASE && tbo->activity == TBO_DOWNLOADS && tbo->record.is_whole) {
    tbo->record.is_whole = false;
    tbo_store_record(tbo);
  }
  if (tbo->is_flash_open) {
    // An activity ended while its last operation was under way. The first one of the next activity reads or erases.
    tbo->held_operation = (uint8_t)operation;
    tbo->held_offset = offset;
    tbo->held_length = length;
    tbo->is_flash_held = true;
    return;
  }
  tbo->is_flash_open = true;
  tbo->port->flash(tbo->port->context, operation, offset, length, bytes);
}

void tbo_drop(tbo_t *tbo, tbo_drop_t reason) { tbo->dropped[reason]++; }

void tbo_refuse(tbo_t *tbo, tbo_drop_t reason, tbo_code_t code) {
  tbo_drop(tbo, reason);
  tbo->refused++;
  tbo->refused_code = (uint8_t)code;
}

void tbo_set_error(tbo_t *tbo, tbo_code_t code, int32_t esp_err) {
  const char *text = tbo_code_text(code);
  memset(&tbo->error, 0, sizeof tbo->error);
  memcpy(tbo->error.code, text, strlen(text));
  tbo->error.esp_err = esp_err;
}

void tbo_store_record(tbo_t *tbo) {
  size_t length = tbo_record_write(&tbo->record, tbo->scratch);
  tbo->port->store(tbo->port->context, TBO_STORE_RECORD, tbo->scratch, length);
}

bool tbo_is_writing(const tbo_t *tbo) {
  if (tbo->is_programming) return true;
  return tbo->activity == TBO_DOWNLOADS && tbo->download.phase == TBO_PHASE_FETCH && tbo->download.is_writing;
}

/* ---- Activities ---- */

tbo_state_t tbo_state(const tbo_t *tbo) {
  switch (tbo->activity) {
    case TBO_DOWNLOADS:
      return tbo_download_state(tbo);
    case TBO_ON_PROBATION:
      return TBO_STATE_PENDING_VERIFY;
    case TBO_CONDEMNS:
      return TBO_STATE_ROLLED_BACK;
    default:
      return (tbo_state_t)tbo->rest_state;
  }
}

void tbo_rest(tbo_t *tbo, tbo_state_t state) {
  tbo->activity = TBO_RESTING;
  tbo->rest_state = (uint8_t)state;
}

void tbo_end_offer(tbo_t *tbo, tbo_state_t state) {
  tbo_rest(tbo, state);
  tbo->is_will_stale = true;
}

static void set_outcome(tbo_t *tbo, tbo_outcome_kind_t kind, const uint8_t *offer, const uint8_t *image) {
  tbo_outcome_t outcome;
  memset(&outcome, 0, sizeof outcome);
  outcome.kind = kind;
  memcpy(outcome.offer, offer, sizeof outcome.offer);
  memcpy(outcome.image, image, sizeof outcome.image);
  memcpy(outcome.error, tbo->error.code, sizeof outcome.error);
  tbo->record.outcome = outcome;
  tbo->record.is_whole = false;
  memset(&tbo->record.attempt, 0, sizeof tbo->record.attempt);
  tbo_store_record(tbo);
}

/** Subscribes again if an offer had to wait: the device kept no copy of it, and the broker repeats it. */
static void look_again(tbo_t *tbo) {
  if (!tbo->is_offer_waiting) return;
  tbo->is_offer_waiting = false;
  tbo_subscribe_to_offers(tbo);
}

void tbo_finish(tbo_t *tbo, tbo_outcome_kind_t outcome, const tbo_attempt_t *attempt) {
  static const uint8_t states[] = {TBO_STATE_IDLE, TBO_STATE_CONFIRMED, TBO_STATE_ROLLED_BACK, TBO_STATE_FAILED};
  if (attempt != NULL && attempt->is_present) set_outcome(tbo, outcome, attempt->offer, attempt->image);
  else if (tbo->has_offer && tbo->has_image) set_outcome(tbo, outcome, tbo->offer, tbo->image);
  tbo->port->clear_timer(tbo->port->context, TBO_TIMER_PROBATION);
  tbo_end_offer(tbo, (tbo_state_t)states[outcome]);
  look_again(tbo);
}

void tbo_end_download(tbo_t *tbo, tbo_state_t state, const uint8_t *next) {
  tbo->requests += tbo->download.requests;
  tbo_download_leave(tbo, next);
  tbo_rest(tbo, state);
}

void tbo_fail_download(tbo_t *tbo, tbo_code_t code, int32_t esp_err) {
  tbo_set_error(tbo, code, esp_err);
  set_outcome(tbo, TBO_OUTCOME_FAILED, tbo->offer, tbo->image);
  tbo_end_download(tbo, TBO_STATE_FAILED, NULL);
  tbo->is_will_stale = true;
  look_again(tbo);
}

/** The attempt is stored before the image is set to boot, so that no power cut can start it a third time. */
void tbo_set_to_boot(tbo_t *tbo) {
  tbo_download_t *download = &tbo->download;
  tbo_attempt_t *attempt = &tbo->record.attempt;
  bool is_same_offer = attempt->is_present && memcmp(attempt->offer, download->offer, sizeof attempt->offer) == 0;
  uint32_t attempts = is_same_offer ? attempt->attempts : 0;
  memset(attempt, 0, sizeof *attempt);
  attempt->is_present = true;
  attempt->attempts = attempts + 1u;
  attempt->probation_max_ms = download->probation_max_ms;
  attempt->probation_ms = download->probation_ms != 0 ? download->probation_ms : tbo->config.timing.probation_ms;
  memcpy(attempt->offer, download->offer, sizeof attempt->offer);
  memcpy(attempt->image, download->image, sizeof attempt->image);
  tbo_store_record(tbo);
  download->phase = TBO_PHASE_SWITCH;
  tbo_flash(tbo, TBO_FLASH_SET_BOOT, 0, 0, NULL);
}

/* ---- Events ---- */

static void on_connected(tbo_t *tbo) {
  tbo->is_connected = true;
  tbo_subscribe_to_offers(tbo);
  tbo_report_publish(tbo);
  if (tbo->activity == TBO_DOWNLOADS) tbo_download_join(tbo);
  if (tbo->activity == TBO_ON_PROBATION) tbo_probation_connected(tbo);
}

static void on_timer(tbo_t *tbo, tbo_timer_t timer) {
  if (timer == TBO_TIMER_VERIFY) tbo_on_verify_timer(tbo);
  if (timer == TBO_TIMER_REPORT) {
    tbo->is_report_timer_set = false;
    if (tbo->activity == TBO_DOWNLOADS) tbo_report_publish(tbo);
  }
  if (timer == TBO_TIMER_REQUEST && tbo->activity == TBO_DOWNLOADS) tbo_download_timer(tbo);
  if (timer == TBO_TIMER_INSTALL) tbo_proceed(tbo);
  if (timer == TBO_TIMER_PROBATION && tbo->activity == TBO_ON_PROBATION) tbo_probation_over(tbo);
}

static void on_flash(tbo_t *tbo, const tbo_flash_answer_t *answer) {
  if (answer->operation == TBO_FLASH_PROGRAM) tbo->is_programming = false;
  tbo->is_flash_open = false;
  if (tbo->is_flash_held) {
    // The answer is of the former activity.
    tbo->is_flash_held = false;
    tbo_flash(tbo, (tbo_flash_t)tbo->held_operation, tbo->held_offset, tbo->held_length, NULL);
    return;
  }
  switch (tbo->activity) {
    case TBO_ON_PROBATION:
      tbo_probation_flash(tbo, answer);
      return;
    case TBO_CONDEMNS:
      tbo_finish(tbo, TBO_OUTCOME_ROLLED_BACK, &tbo->record.attempt);
      return;
    case TBO_DOWNLOADS:
      tbo_download_flash(tbo, answer);
      if (answer->esp_err == 0 && tbo_state(tbo) == TBO_STATE_DOWNLOADING) tbo_report_progress(tbo);
      return;
    default:
      return;
  }
}

static void on_clock(tbo_t *tbo, bool is_known, uint64_t utc_ms) {
  tbo->has_clock = is_known && utc_ms <= UTC_MAX;
  if (tbo->has_clock) {
    tbo->clock = (int64_t)utc_ms - (int64_t)tbo->now;
    // The broker repeats the offer that was rejected for want of a clock.
    if (tbo->is_clock_awaited) tbo_subscribe_to_offers(tbo);
    tbo->is_clock_awaited = false;
  }
  tbo_proceed(tbo);
}

static void on_may_reboot(tbo_t *tbo, bool is_allowed) {
  tbo->is_reboot_held = !is_allowed;
  tbo_proceed(tbo);
}

static void dispatch(tbo_t *tbo, const tbo_event_t *event) {
  switch (event->type) {
    case TBO_EV_CONNECTED:
      on_connected(tbo);
      return;
    case TBO_EV_DISCONNECTED:
      tbo->is_connected = false;
      tbo_rx_abandon(tbo);
      return;
    case TBO_EV_TIMER:
      on_timer(tbo, event->u.timer);
      return;
    case TBO_EV_FLASH:
      on_flash(tbo, &event->u.flash);
      return;
    case TBO_EV_VERIFIED:
      tbo_on_verified(tbo, event->u.flag);
      return;
    case TBO_EV_SELF_TEST:
      if (tbo->activity == TBO_ON_PROBATION) tbo_probation_self_test(tbo, event->u.flag);
      return;
    case TBO_EV_CLOCK:
      on_clock(tbo, event->u.clock.is_known, event->u.clock.utc_ms);
      return;
    case TBO_EV_NETWORK:
      tbo->network = (uint8_t)event->u.network;
      return;
    case TBO_EV_MAY_REBOOT:
      on_may_reboot(tbo, event->u.flag);
      return;
    case TBO_EV_CANCEL:
      if (tbo->activity == TBO_DOWNLOADS) tbo_end_download(tbo, TBO_STATE_IDLE, NULL);
      return;
    default:
      return;
  }
}

void tbo_end_event(tbo_t *tbo) {
  tbo_report_changed(tbo);
  // Last, because a port may end the connection for it.
  if (tbo->is_will_stale && tbo->is_connected && tbo->port->renew_will != NULL) {
    tbo->port->renew_will(tbo->port->context);
  }
  tbo->is_will_stale = false;
}

void tbo_handle(tbo_t *tbo, const tbo_event_t *event) {
  tbo->now = event->now_ms;
  if (event->type == TBO_EV_BOOTED) tbo_on_booted(tbo, event->u.boot);
  else if (tbo->is_booted) dispatch(tbo, event);
  tbo_end_event(tbo);
}

void tbo_status(const tbo_t *tbo, tbo_status_t *status) {
  const tbo_bitmap_t *missing = &tbo->download.missing;
  bool has_download = tbo->activity == TBO_DOWNLOADS;
  memset(status, 0, sizeof *status);
  status->state = tbo_state(tbo);
  status->error = tbo_code_of(tbo->error.code);
  status->received = has_download ? missing->size - missing->count : 0;
  status->total = has_download ? missing->size : 0;
  status->chunks_received = tbo->chunks_received;
  status->chunks_useful = tbo->chunks_useful;
  status->requests = tbo->requests + (has_download ? tbo->download.requests : 0);
  status->refused = tbo->refused;
  memcpy(status->dropped, tbo->dropped, sizeof status->dropped);
}

/* ---- Making a machine ---- */

static const char *config_problem(const tbo_config_t *config) {
  const tbo_timing_t *timing = &config->timing;
  if (config->device == NULL || !tbo_topic_is_device(config->device, strlen(config->device))) return "no valid device name";
  if (config->topic_root == NULL || !tbo_topic_is_root(config->topic_root, strlen(config->topic_root))) {
    return "no valid topic root";
  }
  if (config->product == NULL || config->product[0] == 0) return "no product";
  if (timing->retry_ms == 0 || timing->retry_ms > timing->retry_max_ms) return "retry_ms is not between 1 and retry_max_ms";
  if (timing->retry_max_ms >= UNREACHABLE_MS / 2) return "retry_max_ms is too long: publishers give the device up";
  return timing->probation_ms == 0 ? "probation_ms is 0" : NULL;
}

tbo_t *tbo_init(const tbo_config_t *config, const tbo_port_t *port, void *memory, size_t size, const char **problem) {
  const size_t fixed = TBO_STATE_SIZE + TBO_MESSAGE_MAX + TBO_SCRATCH_SIZE;
  const char *reason = config_problem(config);
  tbo_t *tbo = memory;
  if (memory == NULL || (uintptr_t)memory % 8u != 0) reason = "the memory is not aligned to 8 bytes";
  else if (size <= fixed) reason = "the memory is too small";
  if (reason == NULL) {
    memset(tbo, 0, sizeof *tbo);
    tbo->config = *config;
    tbo->port = port;
    tbo->message = (uint8_t *)memory + TBO_STATE_SIZE;
    tbo->scratch = (char *)tbo->message + TBO_MESSAGE_MAX;
    tbo->area = (uint32_t *)(void *)((uint8_t *)memory + fixed);
    tbo->area_size = size - fixed;
    reason = tbo_keys_init(tbo);
  }
  if (problem != NULL) *problem = reason;
  return reason == NULL ? tbo : NULL;
}
