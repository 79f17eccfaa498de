// SPDX-License-Identifier: MIT
#include "record.h"

#include "crc32.h"
#include "json.h"
#include "schema.h"
#include "words.h"

#include <string.h>

/** Nesting depth of a record, and digits of its check value. */
enum { DEPTH_MAX = 4, CHECK_DIGITS = 8 };

/** Outcomes in the order of tbo_outcome_kind_t, from 1. */
static const char OUTCOMES[] = "confirmed\0rolled-back\0failed\0";

/* ---- Writing ---- */

/** Begins an attempt or an outcome. */
static void begin_part(tbo_text_t *text, const char *name, const uint8_t *offer, const uint8_t *image) {
  tbo_text_format(text, ",\"%t\":{\"offer\":%i,\"image\":%h", name, offer, image);
}

static void end_part(tbo_text_t *text, const char *error) {
  if (error[0] != '\0') tbo_text_format(text, ",\"error\":%s", error);
  tbo_text_add(text, "}");
}

size_t tbo_record_write(const tbo_record_t *record, char out[TBO_RECORD_TEXT_SIZE]) {
  const tbo_attempt_t *attempt = &record->attempt;
  const tbo_outcome_t *outcome = &record->outcome;
  tbo_text_t text;
  tbo_text_begin(&text, out, TBO_RECORD_TEXT_SIZE);
  tbo_text_format(&text, "00000000{\"accepted\":[%u,%u],\"payloadSha256\":", record->epoch, record->sequence);
  tbo_text_format(&text, record->has_payload_sha256 ? "%h" : "\"\"", record->payload_sha256);
  if (record->floor_time.text[0] != '\0') {
    tbo_text_format(&text, ",\"floor\":{\"epoch\":%u,\"time\":%s}", record->floor_epoch, record->floor_time.text);
  }
  if (record->is_whole) tbo_text_add(&text, ",\"whole\":true");
  if (attempt->is_present) {
    begin_part(&text, "attempt", attempt->offer, attempt->image);
    tbo_text_format(&text, ",\"attempts\":%u,\"probationMs\":%u", attempt->attempts, attempt->probation_ms);
    if (attempt->probation_max_ms != 0) tbo_text_format(&text, ",\"probationMaxMs\":%u", attempt->probation_max_ms);
    if (attempt->is_proven) tbo_text_add(&text, ",\"proven\":true");
    end_part(&text, attempt->error);
  }
  if (outcome->kind != TBO_OUTCOME_NONE) {
    begin_part(&text, "outcome", outcome->offer, outcome->image);
    tbo_text_format(&text, ",\"outcome\":%s", tbo_word(OUTCOMES, outcome->kind - 1u));
    end_part(&text, outcome->error);
  }
  tbo_text_add(&text, "}");
  tbo_crc32_digits(out + CHECK_DIGITS, text.length - CHECK_DIGITS, out);
  return text.length;
}

/* ---- Reading ---- */

static const char ATTEMPT_NAMES[] = "offer\0image\0attempts\0probationMs\0probationMaxMs\0proven\0error\0";
static const tbo_member_t ATTEMPT[] = {
    {TBO_TYPE_HEX, 0, offsetof(tbo_attempt_t, offer), 0, 16},
    {TBO_TYPE_HEX, 0, offsetof(tbo_attempt_t, image), 0, TBO_SHA256_SIZE},
    {TBO_TYPE_NUMBER, 0, offsetof(tbo_attempt_t, attempts), 0, INT32_MAX},
    {TBO_TYPE_NUMBER, 0, offsetof(tbo_attempt_t, probation_ms), 0, INT32_MAX},
    {TBO_TYPE_NUMBER | TBO_TYPE_OPTIONAL, 0, offsetof(tbo_attempt_t, probation_max_ms), 1, INT32_MAX},
    {TBO_TYPE_FLAG | TBO_TYPE_OPTIONAL, 0, offsetof(tbo_attempt_t, is_proven), 0, 0},
    {TBO_TYPE_CODE | TBO_TYPE_OPTIONAL, 0, offsetof(tbo_attempt_t, error), 0, TBO_CODE_SIZE},
};

static const char OUTCOME_NAMES[] = "offer\0image\0error\0";
static const tbo_member_t OUTCOME[] = {
    {TBO_TYPE_HEX, 0, offsetof(tbo_outcome_t, offer), 0, 16},
    {TBO_TYPE_HEX, 0, offsetof(tbo_outcome_t, image), 0, TBO_SHA256_SIZE},
    {TBO_TYPE_CODE | TBO_TYPE_OPTIONAL, 0, offsetof(tbo_outcome_t, error), 0, TBO_CODE_SIZE},
};

static const char FLOOR_NAMES[] = "epoch\0time\0";
static const tbo_member_t FLOOR[] = {
    {TBO_TYPE_NUMBER, 0, offsetof(tbo_record_t, floor_epoch), 0, INT32_MAX},
    {TBO_TYPE_TIME, 0, offsetof(tbo_record_t, floor_time), 0, 0},
};

static const char WHOLE_NAMES[] = "whole\0";
static const tbo_member_t WHOLE[] = {{TBO_TYPE_FLAG | TBO_TYPE_OPTIONAL, 0, offsetof(tbo_record_t, is_whole), 0, 0}};

static const char NAMES[] = "accepted\0";
static const tbo_member_t MEMBERS[] = {{TBO_TYPE_ANY | TBO_TYPE_LIST, 0, 0, 2, 2}};

static bool read_accepted(tbo_json_t root, tbo_record_t *record) {
  tbo_json_t list;
  if (!tbo_schema_read(root, NAMES, MEMBERS, &list)) return false;
  tbo_json_t first = tbo_json_first(list);
  if (!tbo_json_integer(first, 0, INT32_MAX, (int32_t *)&record->epoch)) return false;
  if (!tbo_json_integer(tbo_json_next(list, first), 0, INT32_MAX, (int32_t *)&record->sequence)) return false;
  tbo_json_t payload = tbo_json_member(root, "payloadSha256");
  record->has_payload_sha256 = tbo_json_hex(payload, record->payload_sha256, TBO_SHA256_SIZE);
  return record->has_payload_sha256 || tbo_json_equals(payload, "", 0);
}

/** Reads the parts that may be absent. */
static bool read_parts(tbo_json_t root, tbo_record_t *record) {
  tbo_json_t floor = tbo_json_member(root, "floor");
  tbo_json_t attempt = tbo_json_member(root, "attempt");
  tbo_json_t outcome = tbo_json_member(root, "outcome");
  record->attempt.is_present = attempt.text != NULL;
  if (!tbo_schema_read(root, WHOLE_NAMES, WHOLE, record)) return false;
  if (floor.text != NULL && !tbo_schema_read(floor, FLOOR_NAMES, FLOOR, record)) return false;
  if (attempt.text != NULL && !tbo_schema_read(attempt, ATTEMPT_NAMES, ATTEMPT, &record->attempt)) return false;
  if (outcome.text == NULL) return true;
  record->outcome.kind = (tbo_outcome_kind_t)((tbo_word_find(OUTCOMES, tbo_json_member(outcome, "outcome")) + 1) % 4);
  return record->outcome.kind != TBO_OUTCOME_NONE && tbo_schema_read(outcome, OUTCOME_NAMES, OUTCOME, &record->outcome);
}

static bool read(const char *text, size_t length, tbo_record_t *record) {
  char check[CHECK_DIGITS];
  tbo_json_t root;
  if (length < CHECK_DIGITS) return false;
  tbo_crc32_digits(text + CHECK_DIGITS, length - CHECK_DIGITS, check);
  if (memcmp(check, text, CHECK_DIGITS) != 0) return false;
  if (!tbo_json_check(text + CHECK_DIGITS, length - CHECK_DIGITS, DEPTH_MAX, &root)) return false;
  return read_accepted(root, record) && read_parts(root, record);
}

bool tbo_record_read(const char *text, size_t length, tbo_record_t *record) {
  memset(record, 0, sizeof *record);
  bool is_valid = read(text, length, record);
  if (!is_valid) memset(record, 0, sizeof *record);
  return is_valid;
}
