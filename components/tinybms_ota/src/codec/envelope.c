// SPDX-License-Identifier: MIT
#include "envelope.h"

#include "base64.h"
#include "schema.h"

#include <string.h>

/** What is read of an envelope. */
typedef struct {
  tbo_json_t payload, signatures;
} parts_t;

static const char NAMES[] = "payload\0signatures\0";
static const tbo_member_t MEMBERS[] = {
    {TBO_TYPE_BASE64, 0, offsetof(parts_t, payload), 0, TBO_ENVELOPE_MAX},
    {TBO_TYPE_ANY | TBO_TYPE_LIST, 0, offsetof(parts_t, signatures), 0, TBO_SIGNATURES_MAX},
};

/** What is read of a signature. */
typedef struct {
  uint8_t keyid[TBO_KEYID_SIZE];
  tbo_json_t alg, sig;
} entry_t;

static const char ENTRY_NAMES[] = "keyid\0alg\0sig\0";
static const tbo_member_t ENTRY[] = {
    {TBO_TYPE_HEX, 0, offsetof(entry_t, keyid), 0, TBO_KEYID_SIZE},
    {TBO_TYPE_NAME, 0, offsetof(entry_t, alg), 1, 32},
    {TBO_TYPE_BASE64, 0, offsetof(entry_t, sig), 0, 1024},
};

bool tbo_envelope_check(tbo_json_t value) {
  parts_t parts;
  if (!tbo_schema_read(value, NAMES, MEMBERS, &parts)) return false;
  for (tbo_json_t it = tbo_json_first(parts.signatures); it.text != NULL; it = tbo_json_next(parts.signatures, it)) {
    entry_t entry;
    if (!tbo_schema_read(it, ENTRY_NAMES, ENTRY, &entry)) return false;
  }
  return true;
}

/** Returns the characters of a checked base64 string as bytes that may be changed. */
static uint8_t *characters(char *message, tbo_json_t value, size_t *length) {
  tbo_json_t raw = tbo_json_raw(value);
  *length = raw.length;
  return (uint8_t *)message + (raw.text - message);
}

static void decode(uint8_t *bytes, size_t *length) { *length = tbo_base64_decode((const char *)bytes, *length, bytes); }

void tbo_envelope_decode(char *message, tbo_json_t value, tbo_envelope_t *envelope) {
  parts_t parts;
  envelope->count = 0;
  (void)tbo_schema_read(value, NAMES, MEMBERS, &parts);
  envelope->payload = characters(message, parts.payload, &envelope->payload_length);
  for (tbo_json_t it = tbo_json_first(parts.signatures); it.text != NULL; it = tbo_json_next(parts.signatures, it)) {
    tbo_signature_t *signature = &envelope->signatures[envelope->count++];
    entry_t entry;
    (void)tbo_schema_read(it, ENTRY_NAMES, ENTRY, &entry);
    memcpy(signature->keyid, entry.keyid, sizeof signature->keyid);
    signature->alg = tbo_algorithm(entry.alg);
    signature->bytes = characters(message, entry.sig, &signature->length);
  }
  /* Only now, as decoding overwrites the text through which the members were found. */
  decode(envelope->payload, &envelope->payload_length);
  for (size_t i = 0; i < envelope->count; i++) decode(envelope->signatures[i].bytes, &envelope->signatures[i].length);
}

void tbo_envelope_encode(const tbo_envelope_t *envelope) {
  tbo_base64_encode(envelope->payload, envelope->payload_length, (char *)envelope->payload);
  for (size_t i = 0; i < envelope->count; i++) {
    const tbo_signature_t *signature = &envelope->signatures[i];
    tbo_base64_encode(signature->bytes, signature->length, (char *)signature->bytes);
  }
}

bool tbo_envelope_parse(char *message, size_t length, tbo_envelope_t *envelope) {
  tbo_json_t root;
  if (length > TBO_ENVELOPE_MAX || !tbo_json_check(message, length, TBO_JSON_DEPTH_MAX, &root)) return false;
  if (!tbo_envelope_check(root)) return false;
  tbo_envelope_decode(message, root, envelope);
  return true;
}
