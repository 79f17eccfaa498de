// SPDX-License-Identifier: MIT
/**
 * Reads one case a line from stdin and prints one verdict a line, so that another implementation can be compared.
 *
 * A case is a codec's name and its arguments, separated by spaces. An argument is hexadecimal; `-` stands for no bytes.
 * The verdict of refused input is `no`.
 */
#include "codec/base64.h"
#include "codec/chunk.h"
#include "codec/envelope.h"
#include "codec/hash_list.h"
#include "codec/hex.h"
#include "codec/key_set.h"
#include "codec/offer.h"
#include "codec/public_key.h"
#include "codec/record.h"
#include "codec/release.h"
#include "codec/text.h"
#include "codec/time.h"
#include "codec/topic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS_MAX = 4 };

/** One decoded argument, in memory of exactly its size so that AddressSanitizer sees every byte beyond. */
typedef struct {
  char *bytes;
  size_t length;
} argument_t;

static const tbo_port_t PORT = {.sha256 = tbo_sha256, .has_point = tbo_p256_has_point};

static void print_hex(const void *bytes, size_t length) {
  const uint8_t *at = bytes;
  for (size_t i = 0; i < length; i++) printf("%02x", at[i]);
}

static int refuse(void) { return printf("no"); }

static uint32_t number(const argument_t *argument) {
  char digits[16] = {0};
  memcpy(digits, argument->bytes, argument->length < 15 ? argument->length : 15);
  return (uint32_t)strtoul(digits, NULL, 10);
}

/** Copies an argument as a text that ends with a zero. The caller frees it. */
static char *text_of(const argument_t *argument) {
  char *text = malloc(argument->length + 1);
  memcpy(text, argument->bytes, argument->length);
  text[argument->length] = '\0';
  return text;
}

static void judge_json(argument_t *arguments) {
  tbo_json_t root;
  if (!tbo_json_check(arguments[0].bytes, arguments[0].length, number(&arguments[1]), &root)) {
    refuse();
    return;
  }
  printf("ok %zu", tbo_json_count(root));
}

static void judge_base64(argument_t *arguments) {
  uint8_t *bytes = (uint8_t *)arguments[0].bytes;
  char *copy = text_of(&arguments[0]);
  size_t size = tbo_base64_decode(arguments[0].bytes, arguments[0].length, bytes);
  if (size == SIZE_MAX) {
    refuse();
  } else {
    printf("ok ");
    print_hex(bytes, size);
    tbo_base64_encode(bytes, size, arguments[0].bytes);
    if (memcmp(copy, arguments[0].bytes, arguments[0].length) != 0) printf(" not restored");
  }
  free(copy);
}

static void judge_sha256(argument_t *arguments) {
  uint8_t digest[TBO_SHA256_SIZE];
  tbo_sha256(NULL, (uint8_t *)arguments[0].bytes, arguments[0].length, (uint8_t *)arguments[1].bytes,
             arguments[1].length, digest);
  print_hex(digest, sizeof digest);
}

static void judge_envelope(argument_t *arguments) {
  tbo_envelope_t envelope;
  char *copy = text_of(&arguments[0]);
  if (!tbo_envelope_parse(arguments[0].bytes, arguments[0].length, &envelope)) {
    refuse();
  } else {
    printf("ok ");
    print_hex(envelope.payload, envelope.payload_length);
    for (size_t i = 0; i < envelope.count; i++) {
      const tbo_signature_t *signature = &envelope.signatures[i];
      printf(" ");
      print_hex(signature->keyid, TBO_KEYID_SIZE);
      printf(":%d:", signature->alg);
      print_hex(signature->bytes, signature->length);
    }
    tbo_envelope_encode(&envelope);
  }
  if (memcmp(copy, arguments[0].bytes, arguments[0].length) != 0) printf(" not restored");
  free(copy);
}

/** Arguments: payload, device, SHA-256 of the running image. */
static void judge_offer(argument_t *arguments) {
  tbo_offer_t offer;
  char root[256];
  if (!tbo_offer_parse(arguments[0].bytes, arguments[0].length, &offer)) {
    refuse();
    return;
  }
  printf("ok ");
  print_hex(offer.id, sizeof offer.id);
  printf(" %" PRIu32 " %" PRIu32 " %s %s %" PRIu32 " %" PRIu32 " %d ", offer.epoch, offer.sequence, offer.issued_at.text,
         offer.expires_at.text, offer.spread_ms, offer.probation_ms, offer.waived);
  printf("%" PRIu32 " %" PRIu32 " %s %" PRIu32 "+%" PRIu32 "@%" PRId32 " %d ", offer.restart_spread_ms,
         offer.probation_max_ms, offer.install_after.text, offer.between.start, offer.between.minutes,
         offer.between.offset, tbo_offer_needs_clock(&offer));
  size_t length = tbo_json_string(offer.topic_root, root, sizeof root);
  if (length != SIZE_MAX) print_hex(root, length);
  printf(" %d %d %d %d", tbo_json_type(offer.release) == TBO_JSON_NULL,
         tbo_offer_admits(&offer, arguments[1].bytes, arguments[1].length, &PORT), tbo_offer_is_supported(&offer),
         tbo_offer_starts_from(&offer, (uint8_t *)arguments[2].bytes));
  if (tbo_json_type(offer.release) == TBO_JSON_NULL) return;
  tbo_envelope_t release;
  char *copy = text_of(&arguments[0]);
  tbo_envelope_decode(arguments[0].bytes, offer.release, &release);
  printf(" %zu ", release.count);
  print_hex(release.payload, release.payload_length);
  tbo_envelope_encode(&release);
  if (memcmp(copy, arguments[0].bytes, arguments[0].length) != 0) printf(" not restored");
  free(copy);
}

/** Arguments: payload, chip id, product. */
static void judge_release(argument_t *arguments) {
  tbo_release_t release;
  if (!tbo_release_parse(arguments[0].bytes, arguments[0].length, &release)) {
    refuse();
    return;
  }
  printf("ok ");
  print_hex(release.sha256, sizeof release.sha256);
  printf(" ");
  print_hex(release.hash_list_sha256, sizeof release.hash_list_sha256);
  printf(" %" PRIu32 " %" PRIu32 " %d %s %d %d", release.size, release.secure_version, release.chip_id,
         release.created_at.text, tbo_release_allows_chip(&release, (uint16_t)number(&arguments[1])),
         tbo_json_equals(release.product, arguments[2].bytes, arguments[2].length));
}

/** Prints everything that can be looked up in a key set. */
static void print_key_set(const tbo_key_set_t *set) {
  uint8_t spki[TBO_SPKI_MAX];
  printf("ok %" PRIu32, set->epoch);
  for (unsigned role = 0; role < TBO_ROLE_COUNT; role++) {
    printf(" %u/%u", tbo_key_set_threshold(set, role), tbo_key_set_role_count(set, role));
    for (unsigned i = 0; i < tbo_key_set_role_count(set, role); i++) {
      tbo_key_t key;
      tbo_key_set_role_key(set, role, i, &key);
      printf(":%d:%d:", key.alg, key.is_revoked);
      print_hex(spki, tbo_key_spki(&key, spki));
    }
  }
}

static void judge_keys(argument_t *arguments) {
  tbo_key_set_t set;
  uint8_t scratch[TBO_SPKI_MAX];
  if (!tbo_key_set_parse(arguments[0].bytes, arguments[0].length, scratch, &PORT, &set)) {
    refuse();
    return;
  }
  print_key_set(&set);
}

static void judge_stored_keys(argument_t *arguments) {
  tbo_key_set_t set;
  uint8_t scratch[TBO_SPKI_MAX];
  if (!tbo_key_set_restore(arguments[0].bytes, arguments[0].length, scratch, &PORT, &set)) {
    refuse();
    return;
  }
  printf("ok %" PRIu32, set.epoch);
}

static void judge_public_key(argument_t *arguments) {
  tbo_alg_t alg = TBO_ALG_UNKNOWN;
  tbo_key_verdict_t verdict = tbo_public_key_check(&PORT, (uint8_t *)arguments[0].bytes, arguments[0].length, &alg);
  printf("%d %d", verdict, verdict == TBO_KEY_OK ? (int)alg : 0);
}

/** Arguments: two times. */
static void judge_time(argument_t *arguments) {
  tbo_time_t time;
  tbo_time_t other;
  if (!tbo_time_read(arguments[0].bytes, arguments[0].length, &time)) {
    refuse();
    return;
  }
  printf("ok %" PRId64, tbo_time_to_ms(&time));
  if (tbo_time_read(arguments[1].bytes, arguments[1].length, &other)) printf(" %d", tbo_time_is_earlier(&time, &other));
  tbo_time_from_ms(tbo_time_to_ms(&time), &other);
  printf(" %s", other.text);
}

/** Arguments: root, topic. */
static void judge_topic(argument_t *arguments) {
  tbo_topic_t topic;
  char out[TBO_TOPIC_SIZE];
  char *root = text_of(&arguments[0]);
  if (!tbo_topic_is_root(arguments[0].bytes, arguments[0].length)) {
    refuse();
    free(root);
    return;
  }
  tbo_topic_parse(root, arguments[1].bytes, arguments[1].length, &topic);
  printf("%d %" PRIu32 " ", topic.kind, topic.epoch);
  print_hex(topic.image, sizeof topic.image);
  size_t length = tbo_topic_write(root, &topic, out);
  bool is_same = length == arguments[1].length && memcmp(out, arguments[1].bytes, length) == 0;
  printf(" %.*s %d", (int)topic.device_length, topic.device == NULL ? "" : topic.device, is_same);
  free(root);
}

static void judge_chunk(argument_t *arguments) {
  tbo_chunk_t chunk;
  if (!tbo_chunk_parse((uint8_t *)arguments[0].bytes, arguments[0].length, &chunk)) {
    refuse();
    return;
  }
  printf("ok ");
  print_hex(chunk.image, 8);
  printf(" %" PRIu32 " %d ", chunk.index, chunk.is_deflated);
  print_hex(chunk.bytes, chunk.length);
}

/** Arguments: hash list, image size, chunk, index. */
static void judge_hash_list(argument_t *arguments) {
  uint8_t digest[TBO_SHA256_SIZE];
  const uint8_t *list = (uint8_t *)arguments[0].bytes;
  uint32_t size = number(&arguments[1]);
  tbo_sha256(NULL, list, arguments[0].length, NULL, 0, digest);
  if (!tbo_hash_list_check(list, arguments[0].length, size, digest, &PORT)) {
    refuse();
    return;
  }
  printf("ok %" PRIu32 " %d", tbo_chunk_count(size),
         tbo_hash_list_matches(list, size, number(&arguments[3]), (uint8_t *)arguments[2].bytes, arguments[2].length,
                               &PORT));
}

static void judge_record(argument_t *arguments) {
  tbo_record_t record;
  char out[TBO_RECORD_TEXT_SIZE];
  if (!tbo_record_read(arguments[0].bytes, arguments[0].length, &record)) {
    refuse();
    return;
  }
  size_t length = tbo_record_write(&record, out);
  printf("ok %.*s", (int)length, out);
}

static void judge_string(argument_t *arguments) {
  char out[TBO_TEXT_MESSAGE_MAX];
  tbo_text_t text;
  tbo_text_begin(&text, out, sizeof out);
  tbo_text_string(&text, arguments[0].bytes, arguments[0].length);
  print_hex(out, text.length);
  printf(" %d", text.is_truncated);
}

/** A codec under test. */
typedef struct {
  const char *name;
  void (*judge)(argument_t *arguments);
} codec_t;

static const codec_t CODECS[] = {
    {"json", judge_json},       {"base64", judge_base64},  {"sha256", judge_sha256},
    {"envelope", judge_envelope}, {"offer", judge_offer},    {"release", judge_release},
    {"keys", judge_keys},       {"stored-keys", judge_stored_keys}, {"public-key", judge_public_key},
    {"time", judge_time},       {"topic", judge_topic},    {"chunk", judge_chunk},
    {"hashes", judge_hash_list}, {"record", judge_record}, {"string", judge_string},
};

static argument_t decode(const char *digits) {
  size_t size = strcmp(digits, "-") == 0 ? 0 : strlen(digits) / 2;
  argument_t argument = {malloc(size == 0 ? 1 : size), size};
  if (!tbo_hex_decode(digits, (uint8_t *)argument.bytes, size)) abort();
  return argument;
}

static void judge_line(char *line) {
  argument_t arguments[ARGUMENTS_MAX] = {{NULL, 0}};
  char *name = strtok(line, " \n");
  for (int i = 0; i < ARGUMENTS_MAX; i++) {
    const char *digits = name == NULL ? NULL : strtok(NULL, " \n");
    arguments[i] = decode(digits == NULL ? "-" : digits);
  }
  for (size_t i = 0; name != NULL && i < sizeof CODECS / sizeof CODECS[0]; i++) {
    if (strcmp(CODECS[i].name, name) == 0) CODECS[i].judge(arguments);
  }
  printf("\n");
  for (int i = 0; i < ARGUMENTS_MAX; i++) free(arguments[i].bytes);
}

int main(void) {
  char *line = NULL;
  size_t size = 0;
  while (getline(&line, &size, stdin) != -1) judge_line(line);
  free(line);
  return 0;
}
