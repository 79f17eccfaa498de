// SPDX-License-Identifier: MIT
#include "record.h"

#include "crc32.h"
#include "json.h"
#include "schema.h"

#include <string.h>

/** Nesting depth of a record, and digits of its check value. */
enum { DEPTH_MAX = 4, CHECK_DIGITS = 8 };

static const char *const OUTCOMES[] = {"", "confirmed", "rolled-back", "failed"};

/* ---- Writing ---- */

/** Appends a name with its comma and colon, and bytes as a string of hexadecimal digits. */
static void add_hex(tbo_text_t *text, const char *name, const uint8_t *bytes, size_t size) {
  tbo_text_add(text, name);
  tbo_text_add(text, "\"");
  tbo_text_hex(text, bytes, size);
  tbo_text_add(text, "\"");
}

static void add_number(tbo_text_t *text, const char *name, uint32_t number) {
  tbo_text_add(text, name);
  tbo_text_number(text, number);
}

static void add_text(tbo_text_t *text, const char *name, const char *string) {
  tbo_text_add(text, name);
  tbo_text_string(text, string, strlen(string));
}

static void add_attempt(tbo_text_t *text, const tbo_attempt_t *attempt) {
  add_hex(text, ",\"attempt\":{\"offer\":", attempt->offer, sizeof attempt->offer);
  add_hex(text, ",\"image\":", attempt->image, sizeof attempt->image);
  add_number(text, ",\"attempts\":", attempt->attempts);
  add_number(text, ",\"probationMs\":", attempt->probation_ms);
  if (attempt->probation_max_ms != 0) add_number(text, ",\"probationMaxMs\":", attempt->probation_max_ms);
  if (attempt->is_proven) tbo_text_add(text, ",\"proven\":true");
  if (attempt->error[0] != '\0') add_text(text, ",\"error\":", attempt->error);
  tbo_text_add(text, "}");
}

static void add_outcome(tbo_text_t *text, const tbo_outcome_t *outcome) {
  add_hex(text, ",\"outcome\":{\"offer\":", outcome->offer, sizeof outcome->offer);
  add_hex(text, ",\"image\":", outcome->image, sizeof outcome->image);
  add_text(text, ",\"outcome\":", OUTCOMES[outcome->kind]);
  if (outcome->error[0] != '\0') add_text(text, ",\"error\":", outcome->error);
  tbo_text_add(text, "}");
}

size_t tbo_record_write(const tbo_record_t *record, char out[TBO_RECORD_TEXT_SIZE]) {
  tbo_text_t text;
  tbo_text_begin(&text, out, TBO_RECORD_TEXT_SIZE);
  add_number(&text, "00000000{\"accepted\":[", record->epoch);
  add_number(&text, ",", record->sequence);
  add_hex(&text, "],\"payloadSha256\":", record->payload_sha256, record->has_payload_sha256 ? TBO_SHA256_SIZE : 0);
  if (record->floor_time.text[0] != '\0') {
    add_number(&text, ",\"floor\":{\"epoch\":", record->floor_epoch);
    add_text(&text, ",\"time\":", record->floor_time.text);
    tbo_text_add(&text, "}");
  }
  if (record->is_whole) tbo_text_add(&text, ",\"whole\":true");
  if (record->attempt.is_present) add_attempt(&text, &record->attempt);
  if (record->outcome.kind != TBO_OUTCOME_NONE) add_outcome(&text, &record->outcome);
  tbo_text_add(&text, "}");
  tbo_crc32_digits(out + CHECK_DIGITS, text.length - CHECK_DIGITS, out);
  return text.length;
}

/* ---- Reading ---- */

/** Reads the code of an error, which may be absent. */
static bool read_error(tbo_json_t object, char error[TBO_CODE_SIZE]) {
  tbo_json_t member = tbo_json_member(object, "error");
  error[0] = '\0';
  return member.text == NULL || tbo_json_string(member, error, TBO_CODE_SIZE) != SIZE_MAX;
}

/** Reads a flag, which may be absent: it is then `false`. */
static bool read_flag(tbo_json_t object, const char *name, bool *flag) {
  tbo_json_type_t type = tbo_json_type(tbo_json_member(object, name));
  *flag = type == TBO_JSON_TRUE;
  return type == TBO_JSON_TRUE || type == TBO_JSON_FALSE || type == TBO_JSON_NONE;
}

static bool read_attempt(tbo_json_t object, tbo_attempt_t *attempt) {
  if (object.text == NULL) return true;
  attempt->is_present = true;
  if (!read_flag(object, "proven", &attempt->is_proven)) return false;
  if (!tbo_schema_optional_number(object, "probationMaxMs", 0, INT32_MAX, &attempt->probation_max_ms)) return false;
  if (!tbo_schema_hex(object, "offer", attempt->offer, sizeof attempt->offer)) return false;
  if (!tbo_schema_hex(object, "image", attempt->image, sizeof attempt->image)) return false;
  if (!tbo_schema_number(object, "attempts", 0, INT32_MAX, &attempt->attempts)) return false;
  if (!tbo_schema_number(object, "probationMs", 0, INT32_MAX, &attempt->probation_ms)) return false;
  return read_error(object, attempt->error);
}

static bool read_outcome(tbo_json_t object, tbo_outcome_t *outcome) {
  if (object.text == NULL) return true;
  tbo_json_t member = tbo_json_member(object, "outcome");
  for (unsigned kind = TBO_OUTCOME_CONFIRMED; kind <= TBO_OUTCOME_FAILED; kind++) {
    if (tbo_json_equals(member, OUTCOMES[kind], strlen(OUTCOMES[kind]))) outcome->kind = (tbo_outcome_kind_t)kind;
  }
  if (outcome->kind == TBO_OUTCOME_NONE) return false;
  if (!tbo_schema_hex(object, "offer", outcome->offer, sizeof outcome->offer)) return false;
  if (!tbo_schema_hex(object, "image", outcome->image, sizeof outcome->image)) return false;
  return read_error(object, outcome->error);
}

static bool read_floor(tbo_json_t object, tbo_record_t *record) {
  if (object.text == NULL) return true;
  return tbo_schema_number(object, "epoch", 0, INT32_MAX, &record->floor_epoch) &&
         tbo_schema_time(object, "time", &record->floor_time);
}

static bool read_accepted(tbo_json_t root, tbo_record_t *record) {
  tbo_json_t list = tbo_json_member(root, "accepted");
  if (!tbo_schema_is_list(list, 2, 2)) return false;
  int32_t epoch;
  int32_t sequence;
  tbo_json_t first = tbo_json_first(list);
  if (!tbo_json_integer(first, 0, INT32_MAX, &epoch)) return false;
  if (!tbo_json_integer(tbo_json_next(list, first), 0, INT32_MAX, &sequence)) return false;
  record->epoch = (uint32_t)epoch;
  record->sequence = (uint32_t)sequence;
  tbo_json_t payload = tbo_json_member(root, "payloadSha256");
  record->has_payload_sha256 = tbo_json_hex(payload, record->payload_sha256, TBO_SHA256_SIZE);
  return record->has_payload_sha256 || tbo_json_equals(payload, "", 0);
}

static bool read(const char *text, size_t length, tbo_record_t *record) {
  char check[CHECK_DIGITS];
  tbo_json_t root;
  if (length < CHECK_DIGITS) return false;
  tbo_crc32_digits(text + CHECK_DIGITS, length - CHECK_DIGITS, check);
  if (memcmp(check, text, CHECK_DIGITS) != 0) return false;
  if (!tbo_json_check(text + CHECK_DIGITS, length - CHECK_DIGITS, DEPTH_MAX, &root)) return false;
  return read_accepted(root, record) && read_flag(root, "whole", &record->is_whole) &&
         read_floor(tbo_json_member(root, "floor"), record) &&
         read_attempt(tbo_json_member(root, "attempt"), &record->attempt) &&
         read_outcome(tbo_json_member(root, "outcome"), &record->outcome);
}

bool tbo_record_read(const char *text, size_t length, tbo_record_t *record) {
  memset(record, 0, sizeof *record);
  bool is_valid = read(text, length, record);
  if (!is_valid) memset(record, 0, sizeof *record);
  return is_valid;
}
