// SPDX-License-Identifier: MIT
#include "key_set.h"

#include "base64.h"
#include "crc32.h"
#include "hex.h"
#include "schema.h"

#include <string.h>

enum { SPKI_DIGITS_MIN = 4, SPKI_DIGITS_MAX = 1024, CHECK_DIGITS = 8 };

static tbo_json_t role_of(const tbo_key_set_t *set, tbo_role_t role) {
  static const char *const names[TBO_ROLE_COUNT] = {"root", "release", "offer"};
  return tbo_json_member(tbo_json_member(set->document, "roles"), names[role]);
}

static tbo_json_t keyids_of(const tbo_key_set_t *set, tbo_role_t role) {
  return tbo_json_member(role_of(set, role), "keyids");
}

/** Reads a record without asking whether it is revoked. */
static bool read_record(tbo_json_t record, unsigned position, tbo_key_t *key) {
  tbo_json_t name = tbo_json_name(record);
  key->record = position;
  key->alg = tbo_algorithm(tbo_json_member(record, "alg"));
  key->spki = tbo_json_member(record, "spki");
  return name.length == 2 * TBO_KEYID_SIZE && tbo_hex_decode(name.text, key->keyid, TBO_KEYID_SIZE);
}

/** Finds a record by its key's id. */
static bool find_record(const tbo_key_set_t *set, const uint8_t keyid[TBO_KEYID_SIZE], tbo_key_t *key) {
  tbo_json_t records = tbo_json_member(set->document, "records");
  unsigned position = 0;
  for (tbo_json_t it = tbo_json_first(records); it.text != NULL; it = tbo_json_next(records, it)) {
    if (read_record(it, position++, key) && memcmp(key->keyid, keyid, TBO_KEYID_SIZE) == 0) return true;
  }
  return false;
}

/* ---- Parsing ---- */

/** Returns `true` if every record states an algorithm, and a key whose id is the record's name. */
static bool check_records(const tbo_key_set_t *set, uint8_t *scratch, tbo_hasher_t hasher) {
  tbo_json_t records = tbo_json_member(set->document, "records");
  if (tbo_json_type(records) != TBO_JSON_OBJECT || tbo_json_count(records) > TBO_KEY_RECORDS_MAX) return false;
  for (tbo_json_t it = tbo_json_first(records); it.text != NULL; it = tbo_json_next(records, it)) {
    tbo_key_t key;
    uint8_t digest[TBO_SHA256_SIZE];
    if (!read_record(it, 0, &key) || key.alg == TBO_ALG_UNKNOWN) return false;
    tbo_json_t raw = tbo_json_raw(key.spki);
    if (raw.text == NULL || raw.length < SPKI_DIGITS_MIN || raw.length > SPKI_DIGITS_MAX) return false;
    size_t size = tbo_base64_decode(raw.text, raw.length, scratch);
    if (size == SIZE_MAX) return false;
    hasher.sha256(hasher.context, scratch, size, NULL, 0, digest);
    if (memcmp(digest, key.keyid, TBO_KEYID_SIZE) != 0) return false;
  }
  return true;
}

static bool check_revoked(tbo_json_t revoked) {
  uint8_t keyid[TBO_KEYID_SIZE];
  if (!tbo_schema_is_list(revoked, 0, TBO_REVOKED_MAX)) return false;
  for (tbo_json_t it = tbo_json_first(revoked); it.text != NULL; it = tbo_json_next(revoked, it)) {
    if (!tbo_json_hex(it, keyid, sizeof keyid)) return false;
  }
  return true;
}

/** Returns `true` if a role lists different keys that have records, and at least as many as must sign. */
static bool check_role(const tbo_key_set_t *set, tbo_role_t role) {
  uint8_t keyids[TBO_ROLE_KEYS_MAX][TBO_KEYID_SIZE];
  tbo_key_t key;
  uint32_t threshold;
  uint32_t count = 0;
  tbo_json_t list = keyids_of(set, role);
  if (!tbo_schema_is_list(list, 1, TBO_ROLE_KEYS_MAX)) return false;
  for (tbo_json_t it = tbo_json_first(list); it.text != NULL; it = tbo_json_next(list, it)) {
    if (!tbo_json_hex(it, keyids[count], TBO_KEYID_SIZE) || !find_record(set, keyids[count], &key)) return false;
    for (uint32_t other = 0; other < count; other++) {
      if (memcmp(keyids[other], keyids[count], TBO_KEYID_SIZE) == 0) return false;
    }
    count++;
  }
  return tbo_schema_number(role_of(set, role), "threshold", 1, TBO_ROLE_KEYS_MAX, &threshold) && threshold <= count;
}

bool tbo_key_set_parse(const char *text, size_t length, uint8_t *scratch, tbo_hasher_t hasher, tbo_key_set_t *set) {
  tbo_time_t issued_at;
  tbo_json_t root;
  if (length > TBO_ENVELOPE_MAX || !tbo_json_check(text, length, TBO_JSON_DEPTH_MAX, &root)) return false;
  *set = (tbo_key_set_t){.document = root, .product = tbo_json_member(root, "product")};
  if (!tbo_schema_constant(root, "keys", 1) || !tbo_schema_is_text(set->product, 1, 128)) return false;
  if (!tbo_schema_number(root, "epoch", 1, INT32_MAX, &set->epoch)) return false;
  if (!tbo_schema_time(root, "issued_at", &issued_at) || !check_revoked(tbo_json_member(root, "revoked"))) return false;
  if (!check_records(set, scratch, hasher)) return false;
  return check_role(set, TBO_ROLE_ROOT) && check_role(set, TBO_ROLE_RELEASE) && check_role(set, TBO_ROLE_OFFER);
}

tbo_key_verdict_t tbo_key_set_check_keys(const tbo_key_set_t *set, uint8_t *scratch) {
  tbo_key_t key;
  for (unsigned position = 0; tbo_key_set_record(set, position, &key); position++) {
    tbo_alg_t alg = TBO_ALG_UNKNOWN;
    tbo_key_verdict_t verdict = tbo_public_key_check(scratch, tbo_key_spki(&key, scratch), &alg);
    if (verdict != TBO_KEY_OK) return verdict;
    if (alg != key.alg) return TBO_KEY_UNSUPPORTED;
  }
  return TBO_KEY_OK;
}

/* ---- Looking up ---- */

unsigned tbo_key_set_threshold(const tbo_key_set_t *set, tbo_role_t role) {
  uint32_t threshold = 0;
  (void)tbo_schema_number(role_of(set, role), "threshold", 1, TBO_ROLE_KEYS_MAX, &threshold);
  return threshold;
}

unsigned tbo_key_set_role_count(const tbo_key_set_t *set, tbo_role_t role) {
  return (unsigned)tbo_json_count(keyids_of(set, role));
}

void tbo_key_set_role_key(const tbo_key_set_t *set, tbo_role_t role, unsigned index, tbo_key_t *key) {
  uint8_t keyid[TBO_KEYID_SIZE] = {0};
  tbo_json_t list = keyids_of(set, role);
  tbo_json_t item = tbo_json_first(list);
  for (unsigned i = 0; i < index; i++) item = tbo_json_next(list, item);
  (void)tbo_json_hex(item, keyid, sizeof keyid);
  (void)find_record(set, keyid, key);
  key->is_revoked = tbo_key_set_revokes(set, keyid);
}

bool tbo_key_set_record(const tbo_key_set_t *set, unsigned position, tbo_key_t *key) {
  tbo_json_t records = tbo_json_member(set->document, "records");
  tbo_json_t record = tbo_json_first(records);
  for (unsigned i = 0; i < position && record.text != NULL; i++) record = tbo_json_next(records, record);
  if (record.text == NULL || !read_record(record, position, key)) return false;
  key->is_revoked = tbo_key_set_revokes(set, key->keyid);
  return true;
}

bool tbo_key_set_revokes(const tbo_key_set_t *set, const uint8_t keyid[TBO_KEYID_SIZE]) {
  tbo_json_t revoked = tbo_json_member(set->document, "revoked");
  for (tbo_json_t it = tbo_json_first(revoked); it.text != NULL; it = tbo_json_next(revoked, it)) {
    uint8_t other[TBO_KEYID_SIZE];
    if (tbo_json_hex(it, other, sizeof other) && memcmp(other, keyid, sizeof other) == 0) return true;
  }
  return false;
}

size_t tbo_key_spki(const tbo_key_t *key, uint8_t *spki) {
  tbo_json_t raw = tbo_json_raw(key->spki);
  return tbo_base64_decode(raw.text, raw.length, spki);
}

/* ---- Text in NVS ---- */

bool tbo_key_set_restore(const char *text, size_t length, uint8_t *scratch, tbo_hasher_t hasher, tbo_key_set_t *set) {
  char check[CHECK_DIGITS];
  if (length < CHECK_DIGITS) return false;
  tbo_crc32_digits(text + CHECK_DIGITS, length - CHECK_DIGITS, check);
  if (memcmp(check, text, CHECK_DIGITS) != 0) return false;
  return tbo_key_set_parse(text + CHECK_DIGITS, length - CHECK_DIGITS, scratch, hasher, set);
}
