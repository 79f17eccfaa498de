// SPDX-License-Identifier: MIT
#include "machine.h"

#include <string.h>

enum { ANSWERS_PER_MINUTE = 8, ANSWERS_FOR_AUTHENTIC = 1 };

/** What an answer to a sender says in place of the device's own state. */
typedef struct {
  const uint8_t *offer;
  tbo_state_t state;
  tbo_code_t code;
} answer_t;

static void add_flag(tbo_text_t *text, const char *name, bool flag) {
  tbo_text_add(text, name);
  tbo_text_add(text, flag ? "true" : "false");
}

static void add_number(tbo_text_t *text, const char *name, uint32_t number) {
  tbo_text_add(text, name);
  tbo_text_number(text, number);
}

static void add_string(tbo_text_t *text, const char *name, const char *string) {
  tbo_text_add(text, name);
  tbo_text_string(text, string, strlen(string));
}

static void add_error(tbo_text_t *text, const char *code, int32_t esp_err) {
  if (code[0] == 0) return;
  add_string(text, ",\"error\":{\"code\":", code);
  tbo_text_add(text, ",\"message\":\"");
  if (esp_err != 0) {
    tbo_text_add(text, esp_err < 0 ? "esp_err -" : "esp_err ");
    tbo_text_number(text, esp_err < 0 ? (uint32_t)-(int64_t)esp_err : (uint32_t)esp_err);
  }
  tbo_text_add(text, "\"}");
}

static void add_offer(tbo_text_t *text, const uint8_t *offer) {
  tbo_text_add(text, ",\"offer\":\"");
  tbo_text_hex(text, offer, 16);
  tbo_text_add(text, "\"");
}

/** Says what the report is about: the current offer, or that of an answer. */
static void add_subject(const tbo_t *tbo, tbo_text_t *text, const answer_t *answer) {
  add_string(text, ",\"state\":", tbo_state_text(answer == NULL ? tbo_state(tbo) : answer->state));
  if (answer != NULL) {
    add_offer(text, answer->offer);
    add_error(text, tbo_code_text(answer->code), 0);
    return;
  }
  if (tbo->has_offer) add_offer(text, tbo->offer);
  if (tbo->has_image) {
    tbo_text_add(text, ",\"image\":\"");
    tbo_text_hex(text, tbo->image, 16);
    tbo_text_add(text, "\"");
  }
  add_error(text, tbo->error.code, tbo->error.esp_err);
}

static bool has_download(const tbo_t *tbo) { return tbo->activity == TBO_DOWNLOADS; }

static void add_progress(const tbo_t *tbo, tbo_text_t *text) {
  const tbo_download_t *download = &tbo->download;
  const tbo_bitmap_t *missing = &download->missing;
  add_number(text, ",\"received\":", has_download(tbo) ? missing->size - missing->count : 0);
  add_number(text, ",\"total\":", has_download(tbo) ? missing->size : 0);
  if (tbo_is_stalled(tbo)) tbo_text_add(text, ",\"stalled\":true");
}

static void add_running(const tbo_t *tbo, tbo_text_t *text) {
  add_string(text, ",\"version\":", tbo->is_booted ? tbo->boot.version : "");
  add_string(text, ",\"slot\":", tbo->is_booted ? tbo->boot.slot : "");
  tbo_text_add(text, ",\"running_sha256\":\"");
  tbo_text_hex(text, tbo->boot.sha256, sizeof tbo->boot.sha256);
  add_flag(text, "\",\"rollback\":", tbo->boot.rollback);
  add_number(text, ",\"boot_count\":", tbo->boot.boot_count);
}

static void add_refused(const tbo_t *tbo, tbo_text_t *text) {
  if (tbo->refused > 0) {
    add_number(text, ",\"refused\":{\"count\":", tbo->refused);
    add_string(text, ",\"code\":", tbo_code_text((tbo_code_t)tbo->refused_code));
    tbo_text_add(text, "}");
  }
}

static void add_counters(const tbo_t *tbo, tbo_text_t *text) {
  add_number(text, ",\"stats\":{\"chunks_received\":", tbo->chunks_received);
  add_number(text, ",\"chunks_useful\":", tbo->chunks_useful);
  add_number(text, ",\"requests\":", tbo->requests + (has_download(tbo) ? tbo->download.requests : 0));
  tbo_text_add(text, "}");
}

static size_t write_members(const tbo_t *tbo, bool is_online, const answer_t *answer, bool has_counters, char *out,
                            size_t size) {
  tbo_text_t text;
  tbo_text_begin(&text, out, size);
  add_string(&text, "{\"protocol\":1,\"device\":", tbo->config.device);
  add_subject(tbo, &text, answer);
  add_running(tbo, &text);
  add_progress(tbo, &text);
  add_number(&text, ",\"accepted\":[", tbo->record.epoch);
  add_number(&text, ",", tbo->record.sequence);
  tbo_text_add(&text, "]");
  if (tbo->keys_epoch != 0) add_number(&text, ",\"key_set\":", tbo->keys_epoch);
  add_flag(&text, ",\"clock\":", tbo->has_clock);
  add_flag(&text, ",\"online\":", is_online);
  add_refused(tbo, &text);
  if (has_counters) add_counters(tbo, &text);
  tbo_text_add(&text, "}");
  return text.is_truncated ? 0 : text.length;
}

/** Leaves out the counters if the report is too long with them. */
static size_t write_report(const tbo_t *tbo, bool is_online, const answer_t *answer, char *out, size_t size) {
  size_t length = write_members(tbo, is_online, answer, true, out, size);
  return length > 0 ? length : write_members(tbo, is_online, answer, false, out, size);
}

size_t tbo_report(const tbo_t *tbo, bool is_online, char *out, size_t size) {
  return size == 0 ? 0 : write_report(tbo, is_online, NULL, out, size);
}

static void send(tbo_t *tbo, const answer_t *answer) {
  char topic[TBO_TOPIC_SIZE];
  size_t length = write_report(tbo, true, answer, tbo->scratch, TBO_SCRATCH_SIZE);
  if (length == 0) return;
  tbo_topic(tbo, TBO_TOPIC_STATE, NULL, topic);
  tbo->port->publish(tbo->port->context, topic, (const uint8_t *)tbo->scratch, length, 1, answer == NULL);
}

static void key_of(const tbo_t *tbo, tbo_report_key_t *key) {
  memset(key, 0, sizeof *key);
  key->state = (uint8_t)tbo_state(tbo);
  key->epoch = tbo->record.epoch;
  key->sequence = tbo->record.sequence;
  key->key_set = tbo->keys_epoch;
  key->has_offer = tbo->has_offer;
  key->has_clock = tbo->has_clock;
  key->is_stalled = tbo_is_stalled(tbo);
  if (tbo->has_offer) memcpy(key->offer, tbo->offer, sizeof key->offer);
  memcpy(key->code, tbo->error.code, sizeof key->code);
}

static bool is_same_key(const tbo_report_key_t *left, const tbo_report_key_t *right) {
  return left->state == right->state && left->epoch == right->epoch && left->sequence == right->sequence &&
         left->key_set == right->key_set && left->has_offer == right->has_offer &&
         left->has_clock == right->has_clock && left->is_stalled == right->is_stalled &&
         memcmp(left->offer, right->offer, sizeof left->offer) == 0 && strcmp(left->code, right->code) == 0;
}

void tbo_report_publish(tbo_t *tbo) {
  if (!tbo->is_connected) return;
  key_of(tbo, &tbo->reported);
  tbo->has_reported = true;
  tbo->reported_at = tbo->now;
  send(tbo, NULL);
}

void tbo_report_changed(tbo_t *tbo) {
  tbo_report_key_t key;
  if (!tbo->is_connected) return;
  key_of(tbo, &key);
  if (!tbo->has_reported || !is_same_key(&key, &tbo->reported)) tbo_report_publish(tbo);
}

void tbo_report_progress(tbo_t *tbo) {
  if (!tbo->is_connected || tbo->is_report_timer_set) return;
  uint64_t due = tbo->reported_at + tbo->config.timing.report_ms;
  if (!tbo->has_reported || tbo->now >= due) {
    tbo_report_publish(tbo);
    return;
  }
  tbo->is_report_timer_set = true;
  tbo_set_timer(tbo, TBO_TIMER_REPORT, due);
}

bool tbo_may_answer(tbo_t *tbo, bool is_authentic) {
  unsigned left = tbo_budget_left(&tbo->answers, ANSWERS_PER_MINUTE, tbo->now);
  if (left <= (is_authentic ? 0u : ANSWERS_FOR_AUTHENTIC)) return false;
  tbo_budget_spend(&tbo->answers, tbo->now);
  return true;
}

void tbo_answer(tbo_t *tbo, const uint8_t offer[16], tbo_state_t state, tbo_code_t code, bool is_authentic) {
  const answer_t answer = {offer, state, code};
  if (tbo->is_connected && tbo_may_answer(tbo, is_authentic)) send(tbo, &answer);
}
