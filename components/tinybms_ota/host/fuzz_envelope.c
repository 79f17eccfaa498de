// SPDX-License-Identifier: MIT
/** Fuzzes envelopes and every document that one can hold: decoding in place is undone without a trace. */
#include "codec/envelope.h"
#include "codec/key_set.h"
#include "codec/offer.h"
#include "codec/record.h"
#include "codec/release.h"

#include <stdlib.h>
#include <string.h>

static const tbo_port_t PORT = {.sha256 = tbo_sha256, .has_point = tbo_p256_has_point};

static void read_key_set(const char *text, size_t length) {
  tbo_key_set_t set;
  uint8_t scratch[TBO_SPKI_MAX];
  (void)tbo_key_set_restore(text, length, scratch, &PORT, &set);
  if (tbo_key_set_parse(text, length, scratch, &PORT, &set)) (void)tbo_key_set_check_keys(&set, scratch, &PORT);
}

static void read_offer(char *text, size_t length) {
  tbo_offer_t offer;
  tbo_envelope_t envelope;
  tbo_release_t release;
  static const uint8_t running[TBO_SHA256_SIZE] = {0};
  if (!tbo_offer_parse(text, length, &offer)) return;
  (void)tbo_offer_admits(&offer, "bench-1", 7, &PORT);
  (void)tbo_offer_is_supported(&offer);
  (void)tbo_offer_starts_from(&offer, running);
  if (tbo_json_type(offer.release) == TBO_JSON_NULL) return;
  char *copy = malloc(length);
  memcpy(copy, text, length);
  tbo_envelope_decode(text, offer.release, &envelope);
  if (tbo_release_parse((char *)envelope.payload, envelope.payload_length, &release)) {
    (void)tbo_release_allows_chip(&release, 0);
  }
  tbo_envelope_encode(&envelope);
  if (memcmp(copy, text, length) != 0) abort();
  free(copy);
}

static void read_record(const char *text, size_t length) {
  tbo_record_t record;
  char out[TBO_RECORD_TEXT_SIZE];
  if (tbo_record_read(text, length, &record) && !tbo_record_read(out, tbo_record_write(&record, out), &record)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tbo_envelope_t envelope;
  char *message = malloc(size + 1);
  memcpy(message, data, size);
  /* A document alone as well: the fuzzer need not find base64 to get into it. */
  read_record(message, size);
  read_key_set(message, size);
  read_offer(message, size);
  if (tbo_envelope_parse(message, size, &envelope)) {
    read_key_set((char *)envelope.payload, envelope.payload_length);
    read_offer((char *)envelope.payload, envelope.payload_length);
    tbo_envelope_encode(&envelope);
  }
  if (size > 0 && memcmp(message, data, size) != 0) abort();
  free(message);
  return 0;
}
