// SPDX-License-Identifier: MIT
#include "key_set.h"

#include "base64.h"
#include "crc32.h"
#include "hex.h"
#include "schema.h"
#include "words.h"

#include <string.h>

enum { SPKI_DIGITS_MIN = 4, SPKI_DIGITS_MAX = 1024, CHECK_DIGITS = 8 };

static const char NAMES[] = "keys\0product\0epoch\0issued_at\0revoked\0";
static const tbo_member_t MEMBERS[] = {
    {TBO_TYPE_NUMBER, 0, TBO_NOWHERE, 1, 1},
    {TBO_TYPE_TEXT, 0, offsetof(tbo_key_set_t, product), 1, 128},
    {TBO_TYPE_NUMBER, 0, offsetof(tbo_key_set_t, epoch), 1, INT32_MAX},
    {TBO_TYPE_TIME, 0, offsetof(tbo_key_set_t, issued_at), 0, 0},
    {TBO_TYPE_HEX | TBO_TYPE_LIST, TBO_KEYID_SIZE, offsetof(tbo_key_set_t, revoked), 0, TBO_REVOKED_MAX},
};

/** What is read of a role. */
typedef struct {
  tbo_json_t keyids;
  uint32_t threshold;
} role_t;

static const char ROLE_NAMES[] = "keyids\0threshold\0";
static const tbo_member_t ROLE[] = {
    {TBO_TYPE_HEX | TBO_TYPE_LIST, TBO_KEYID_SIZE, offsetof(role_t, keyids), 1, TBO_ROLE_KEYS_MAX},
    {TBO_TYPE_NUMBER, 0, offsetof(role_t, threshold), 1, TBO_ROLE_KEYS_MAX},
};

static bool read_role(const tbo_key_set_t *set, tbo_role_t role, role_t *out) {
  tbo_json_t object = tbo_json_member(tbo_json_member(set->document, "roles"), tbo_word("root\0release\0offer\0", role));
  return tbo_schema_read(object, ROLE_NAMES, ROLE, out);
}

/** Reads a record without asking whether it is revoked. */
static bool read_record(tbo_json_t record, tbo_key_t *key) {
  tbo_json_t name = tbo_json_name(record);
  key->alg = tbo_algorithm(tbo_json_member(record, "alg"));
  key->spki = tbo_json_member(record, "spki");
  return name.length == 2 * TBO_KEYID_SIZE && tbo_hex_decode(name.text, key->keyid, TBO_KEYID_SIZE);
}

/* ---- Parsing ---- */

/** Returns `true` if every record states an algorithm, and a key whose id is the record's name. */
static bool check_records(const tbo_key_set_t *set, uint8_t *scratch, const tbo_port_t *port) {
  tbo_json_t records = tbo_json_member(set->document, "records");
  if (tbo_json_type(records) != TBO_JSON_OBJECT || tbo_json_count(records) > TBO_KEY_RECORDS_MAX) return false;
  for (tbo_json_t it = tbo_json_first(records); it.text != NULL; it = tbo_json_next(records, it)) {
    tbo_key_t key;
    uint8_t digest[TBO_SHA256_SIZE];
    if (!read_record(it, &key) || key.alg == TBO_ALG_UNKNOWN) return false;
    tbo_json_t raw = tbo_json_raw(key.spki);
    if (raw.text == NULL || raw.length < SPKI_DIGITS_MIN || raw.length > SPKI_DIGITS_MAX) return false;
    size_t size = tbo_base64_decode(raw.text, raw.length, scratch);
    if (size == SIZE_MAX) return false;
    tbo_hash(port, scratch, size, digest);
    if (memcmp(digest, key.keyid, TBO_KEYID_SIZE) != 0) return false;
  }
  return true;
}

/** Returns `true` if a role lists different keys that have records, and at least as many as must sign. */
static bool check_role(const tbo_key_set_t *set, tbo_role_t role) {
  uint8_t keyid[TBO_KEYID_SIZE];
  tbo_key_t key;
  role_t read;
  uint32_t count = 0;
  if (!read_role(set, role, &read)) return false;
  for (tbo_json_t it = tbo_json_first(read.keyids); it.text != NULL; it = tbo_json_next(read.keyids, it)) {
    if (!tbo_json_hex(it, keyid, sizeof keyid) || !tbo_key_set_find(set, keyid, &key)) return false;
    if (tbo_json_find_id(read.keyids, keyid) != count++) return false;
  }
  return read.threshold <= count;
}

bool tbo_key_set_parse(const char *text, size_t length, uint8_t *scratch, const tbo_port_t *port, tbo_key_set_t *set) {
  tbo_json_t root;
  if (length > TBO_ENVELOPE_MAX || !tbo_json_check(text, length, TBO_JSON_DEPTH_MAX, &root)) return false;
  set->document = root;
  if (!tbo_schema_read(root, NAMES, MEMBERS, set)) return false;
  if (!check_records(set, scratch, port)) return false;
  return check_role(set, TBO_ROLE_ROOT) && check_role(set, TBO_ROLE_RELEASE) && check_role(set, TBO_ROLE_OFFER);
}

tbo_key_verdict_t tbo_key_set_check_keys(const tbo_key_set_t *set, uint8_t *scratch, const tbo_port_t *port) {
  tbo_json_t records = tbo_json_member(set->document, "records");
  for (tbo_json_t it = tbo_json_first(records); it.text != NULL; it = tbo_json_next(records, it)) {
    tbo_key_t key;
    tbo_alg_t alg = TBO_ALG_UNKNOWN;
    (void)read_record(it, &key);
    tbo_key_verdict_t verdict = tbo_public_key_check(port, scratch, tbo_key_spki(&key, scratch), &alg);
    if (verdict != TBO_KEY_OK) return verdict;
    if (alg != key.alg) return TBO_KEY_UNSUPPORTED;
  }
  return TBO_KEY_OK;
}

/* ---- Looking up ---- */

unsigned tbo_key_set_threshold(const tbo_key_set_t *set, tbo_role_t role) {
  role_t read;
  return read_role(set, role, &read) ? read.threshold : 0;
}

unsigned tbo_key_set_role_count(const tbo_key_set_t *set, tbo_role_t role) {
  role_t read;
  return read_role(set, role, &read) ? (unsigned)tbo_json_count(read.keyids) : 0;
}

unsigned tbo_key_set_role_position(const tbo_key_set_t *set, tbo_role_t role, const uint8_t keyid[TBO_KEYID_SIZE]) {
  role_t read;
  return read_role(set, role, &read) ? tbo_json_find_id(read.keyids, keyid) : 0;
}

void tbo_key_set_role_key(const tbo_key_set_t *set, tbo_role_t role, unsigned index, tbo_key_t *key) {
  uint8_t keyid[TBO_KEYID_SIZE] = {0};
  role_t read;
  (void)read_role(set, role, &read);
  tbo_json_t item = tbo_json_first(read.keyids);
  for (unsigned i = 0; i < index; i++) item = tbo_json_next(read.keyids, item);
  (void)tbo_json_hex(item, keyid, sizeof keyid);
  (void)tbo_key_set_find(set, keyid, key);
}

bool tbo_key_set_find(const tbo_key_set_t *set, const uint8_t keyid[TBO_KEYID_SIZE], tbo_key_t *key) {
  char name[2 * TBO_KEYID_SIZE + 1] = "";
  tbo_hex_encode(keyid, TBO_KEYID_SIZE, name);
  tbo_json_t record = tbo_json_member(tbo_json_member(set->document, "records"), name);
  key->is_revoked = tbo_key_set_revokes(set, keyid);
  return record.text != NULL && read_record(record, key);
}

bool tbo_key_set_revokes(const tbo_key_set_t *set, const uint8_t keyid[TBO_KEYID_SIZE]) {
  return tbo_json_find_id(set->revoked, keyid) < tbo_json_count(set->revoked);
}

size_t tbo_key_spki(const tbo_key_t *key, uint8_t *spki) {
  tbo_json_t raw = tbo_json_raw(key->spki);
  return tbo_base64_decode(raw.text, raw.length, spki);
}

/* ---- Text in NVS ---- */

bool tbo_key_set_restore(const char *text, size_t length, uint8_t *scratch, const tbo_port_t *port, tbo_key_set_t *set) {
  char check[CHECK_DIGITS];
  if (length < CHECK_DIGITS) return false;
  tbo_crc32_digits(text + CHECK_DIGITS, length - CHECK_DIGITS, check);
  if (memcmp(check, text, CHECK_DIGITS) != 0) return false;
  return tbo_key_set_parse(text + CHECK_DIGITS, length - CHECK_DIGITS, scratch, port, set);
}
