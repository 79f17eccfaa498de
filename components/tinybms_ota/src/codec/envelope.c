// SPDX-License-Identifier: MIT
#include "envelope.h"

#include "base64.h"
#include "schema.h"

/** Maximum length of a signature in characters of base64, and of an algorithm's name. */
enum { SIGNATURE_DIGITS_MAX = 1024, ALGORITHM_MAX = 32 };

static bool is_base64(tbo_json_t value, size_t length_max) {
  tbo_json_t raw = tbo_json_raw(value);
  return raw.text != NULL && raw.length <= length_max && tbo_base64_length(raw.text, raw.length) != SIZE_MAX;
}

bool tbo_envelope_check(tbo_json_t value) {
  if (!is_base64(tbo_json_member(value, "payload"), TBO_ENVELOPE_MAX)) return false;
  tbo_json_t signatures = tbo_json_member(value, "signatures");
  if (!tbo_schema_is_list(signatures, 0, TBO_SIGNATURES_MAX)) return false;
  for (tbo_json_t it = tbo_json_first(signatures); it.text != NULL; it = tbo_json_next(signatures, it)) {
    uint8_t keyid[TBO_KEYID_SIZE];
    if (!tbo_schema_hex(it, "keyid", keyid, sizeof keyid)) return false;
    if (!tbo_schema_is_name(tbo_json_member(it, "alg"), ALGORITHM_MAX)) return false;
    if (!is_base64(tbo_json_member(it, "sig"), SIGNATURE_DIGITS_MAX)) return false;
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
  envelope->count = 0;
  envelope->payload = characters(message, tbo_json_member(value, "payload"), &envelope->payload_length);
  tbo_json_t list = tbo_json_member(value, "signatures");
  for (tbo_json_t it = tbo_json_first(list); it.text != NULL; it = tbo_json_next(list, it)) {
    tbo_signature_t *signature = &envelope->signatures[envelope->count++];
    (void)tbo_schema_hex(it, "keyid", signature->keyid, sizeof signature->keyid);
    signature->alg = tbo_algorithm(tbo_json_member(it, "alg"));
    signature->bytes = characters(message, tbo_json_member(it, "sig"), &signature->length);
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
