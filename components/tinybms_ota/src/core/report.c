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

static uint32_t magnitude(int32_t number) { return number < 0 ? 0u - (uint32_t)number : (uint32_t)number; }

static void add_error(tbo_text_t *text, const char *code, int32_t esp_err) {
  if (code[0] == 0) return;
  tbo_text_format(text, ",\"error\":{\"code\":%s,\"message\":\"", code);
  if (esp_err != 0) tbo_text_format(text, esp_err < 0 ? "esp_err -%u" : "esp_err %u", magnitude(esp_err));
  tbo_text_add(text, "\"}");
}

/** Says what the report is about: the current offer, or that of an answer. */
static void add_subject(const tbo_t *tbo, tbo_text_t *text, const answer_t *answer) {
  const uint8_t *offer = answer != NULL ? answer->offer : tbo->has_offer ? tbo->offer : NULL;
  tbo_text_format(text, ",\"state\":%s", tbo_state_text(answer == NULL ? tbo_state(tbo) : answer->state));
  if (offer != NULL) tbo_text_format(text, ",\"offer\":%i", offer);
  if (answer == NULL && tbo->has_image) tbo_text_format(text, ",\"image\":%i", tbo->image);
  if (answer != NULL) add_error(text, tbo_code_text(answer->code), 0);
  else add_error(text, tbo->error.code, tbo->error.esp_err);
}

static size_t write_members(const tbo_t *tbo, bool is_online, const answer_t *answer, bool has_counters, char *out,
                            size_t size) {
  const tbo_boot_t *boot = &tbo->boot;
  const tbo_download_t *download = tbo->activity == TBO_DOWNLOADS ? &tbo->download : NULL;
  const uint32_t total = download == NULL ? 0 : download->missing.size;
  tbo_text_t text;
  tbo_text_begin(&text, out, size);
  tbo_text_format(&text, "{\"protocol\":1,\"device\":%s", tbo->config.device);
  add_subject(tbo, &text, answer);
  tbo_text_format(&text,
                  ",\"version\":%s,\"slot\":%s,\"running_sha256\":%h,\"rollback\":%b,\"boot_count\":%u,\"received\":%u"
                  ",\"total\":%u,\"accepted\":[%u,%u],\"clock\":%b,\"online\":%b",
                  tbo->is_booted ? boot->version : "", tbo->is_booted ? boot->slot : "", boot->sha256, boot->rollback,
                  boot->boot_count, download == NULL ? 0 : total - download->missing.count, total, tbo->record.epoch, tbo->record.sequence,
                  tbo->has_clock, is_online);
  if (tbo_is_stalled(tbo)) tbo_text_add(&text, ",\"stalled\":true");
  if (tbo->keys_epoch != 0) tbo_text_format(&text, ",\"key_set\":%u", tbo->keys_epoch);
  if (tbo->refused > 0) {
    tbo_text_format(&text, ",\"refused\":{\"count\":%u,\"code\":%s}", tbo->refused,
                    tbo_code_text((tbo_code_t)tbo->refused_code));
  }
  if (has_counters) {
    tbo_text_format(&text, ",\"stats\":{\"chunks_received\":%u,\"chunks_useful\":%u,\"requests\":%u}",
                    tbo->chunks_received, tbo->chunks_useful, tbo->requests + (download == NULL ? 0 : download->requests));
  }
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

static void note_reported(tbo_t *tbo) {
  tbo_report_key_t *key = &tbo->reported;
  key->state = (uint8_t)tbo_state(tbo);
  key->epoch = tbo->record.epoch;
  key->sequence = tbo->record.sequence;
  key->key_set = tbo->keys_epoch;
  key->has_offer = tbo->has_offer;
  key->has_clock = tbo->has_clock;
  key->is_stalled = tbo_is_stalled(tbo);
  memcpy(key->offer, tbo->offer, sizeof key->offer);
  memcpy(key->code, tbo->error.code, sizeof key->code);
  tbo->has_reported = true;
}

/** Compares with what the last report said. Every event does, so it compares texts only up to their end. */
static bool is_reported(const tbo_t *tbo) {
  const tbo_report_key_t *key = &tbo->reported;
  return tbo->has_reported && key->state == tbo_state(tbo) && key->epoch == tbo->record.epoch &&
         key->sequence == tbo->record.sequence && key->key_set == tbo->keys_epoch &&
         key->has_offer == tbo->has_offer && key->has_clock == tbo->has_clock &&
         key->is_stalled == tbo_is_stalled(tbo) && strcmp(key->code, tbo->error.code) == 0 &&
         (!tbo->has_offer || memcmp(key->offer, tbo->offer, sizeof key->offer) == 0);
}

void tbo_report_publish(tbo_t *tbo) {
  if (!tbo->is_connected) return;
  note_reported(tbo);
  tbo->reported_at = tbo->now;
  send(tbo, NULL);
}

void tbo_report_changed(tbo_t *tbo) {
  if (tbo->is_connected && !is_reported(tbo)) tbo_report_publish(tbo);
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
