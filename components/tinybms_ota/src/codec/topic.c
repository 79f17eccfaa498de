// SPDX-License-Identifier: MIT
#include "topic.h"

#include "hex.h"
#include "text.h"
#include "utf8.h"

#include <string.h>

enum { IMAGE_DIGITS = 32 };

/** A part of a topic between slashes. */
typedef struct {
  const char *text;
  size_t length;
} level_t;

bool tbo_topic_is_root(const char *text, size_t length) {
  if (length == 0 || length > TBO_TOPIC_ROOT_MAX || text[0] == '$') return false;
  while (length > 0) {
    uint32_t c;
    size_t size = tbo_utf8_read(text, length, &c);
    if (size == 0 || c == '+' || c == '#' || c < 0x20 || (c >= 0x7f && c <= 0x9f)) return false;
    text += size;
    length -= size;
  }
  return true;
}

static bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool tbo_topic_is_device(const char *text, size_t length) {
  if (length == 0 || length > TBO_DEVICE_NAME_MAX || !is_alphanumeric(text[0])) return false;
  for (size_t i = 1; i < length; i++) {
    if (!is_alphanumeric(text[i]) && text[i] != '.' && text[i] != '_' && text[i] != '-') return false;
  }
  return true;
}

static bool is_word(level_t level, const char *word) {
  return level.length == strlen(word) && memcmp(level.text, word, level.length) == 0;
}

/** Reads a decimal number from 1 to 2^31−1 without leading zeros; returns 0 for anything else. */
static uint32_t read_epoch(level_t level) {
  uint64_t epoch = 0;
  if (level.length == 0 || level.length > 10 || level.text[0] == '0') return 0;
  for (size_t i = 0; i < level.length; i++) {
    if (level.text[i] < '0' || level.text[i] > '9') return 0;
    epoch = epoch * 10 + (uint64_t)(level.text[i] - '0');
  }
  return epoch <= INT32_MAX ? (uint32_t)epoch : 0;
}

static void parse_image(level_t name, level_t leaf, tbo_topic_t *parsed) {
  uint8_t image[sizeof parsed->image];
  if (name.length != IMAGE_DIGITS || !tbo_hex_decode(name.text, image, sizeof image)) return;
  if (!is_word(leaf, "hashes") && !is_word(leaf, "chunk")) return;
  parsed->kind = leaf.text[0] == 'h' ? TBO_TOPIC_HASHES : TBO_TOPIC_IMAGE_CHUNK;
  memcpy(parsed->image, image, sizeof image);
}

static void parse_device(level_t name, level_t leaf, tbo_topic_t *parsed) {
  static const char *const leaves[] = {"offer", "chunk", "request", "state"};
  static const tbo_topic_kind_t kinds[] = {TBO_TOPIC_DEVICE_OFFER, TBO_TOPIC_DEVICE_CHUNK, TBO_TOPIC_REQUEST,
                                           TBO_TOPIC_STATE};
  if (!tbo_topic_is_device(name.text, name.length)) return;
  for (unsigned i = 0; i < 4; i++) {
    if (!is_word(leaf, leaves[i])) continue;
    *parsed = (tbo_topic_t){.kind = kinds[i], .device = name.text, .device_length = name.length};
  }
}

/** Splits a topic at its slashes. Returns the number of levels; 4 for any number above 3. */
static unsigned split(const char *text, size_t length, level_t levels[3]) {
  unsigned count = 0;
  const char *end = text + length;
  const char *start = text;
  for (const char *at = text;; at++) {
    if (at < end && *at != '/') continue;
    if (count == 3) return 4;
    levels[count++] = (level_t){start, (size_t)(at - start)};
    if (at == end) return count;
    start = at + 1;
  }
}

void tbo_topic_parse(const char *root, const char *topic, size_t length, tbo_topic_t *parsed) {
  static const char version[] = "/v1/";
  size_t root_length = strlen(root);
  size_t base = root_length + sizeof version - 1;
  level_t levels[3];
  *parsed = (tbo_topic_t){.kind = TBO_TOPIC_NONE};
  if (length < base || memcmp(topic, root, root_length) != 0) return;
  if (memcmp(topic + root_length, version, sizeof version - 1) != 0) return;
  unsigned count = split(topic + base, length - base, levels);
  if (count == 1 && is_word(levels[0], "offer")) parsed->kind = TBO_TOPIC_OFFER;
  if (count == 2 && is_word(levels[0], "keys")) {
    parsed->epoch = read_epoch(levels[1]);
    if (parsed->epoch > 0) parsed->kind = TBO_TOPIC_KEYS;
  }
  if (count == 3 && is_word(levels[0], "image")) parse_image(levels[1], levels[2], parsed);
  if (count == 3 && is_word(levels[0], "device")) parse_device(levels[1], levels[2], parsed);
}

size_t tbo_topic_write(const char *root, const tbo_topic_t *topic, char out[TBO_TOPIC_SIZE]) {
  static const char *const leaves[] = {"", "", "", "/offer", "/hashes", "/chunk", "/chunk", "/request", "/state"};
  tbo_text_t text;
  tbo_text_begin(&text, out, TBO_TOPIC_SIZE);
  tbo_text_add(&text, root);
  switch (topic->kind) {
    case TBO_TOPIC_NONE:
      return 0;
    case TBO_TOPIC_KEYS:
      tbo_text_add(&text, "/v1/keys/");
      tbo_text_number(&text, topic->epoch);
      break;
    case TBO_TOPIC_OFFER:
      tbo_text_add(&text, "/v1/offer");
      break;
    case TBO_TOPIC_HASHES:
    case TBO_TOPIC_IMAGE_CHUNK:
      tbo_text_add(&text, "/v1/image/");
      tbo_text_hex(&text, topic->image, sizeof topic->image);
      break;
    case TBO_TOPIC_DEVICE_OFFER:
    case TBO_TOPIC_DEVICE_CHUNK:
    case TBO_TOPIC_REQUEST:
    case TBO_TOPIC_STATE:
      tbo_text_add(&text, "/v1/device/");
      tbo_text_bytes(&text, topic->device, topic->device_length);
      break;
  }
  tbo_text_add(&text, leaves[topic->kind]);
  return text.is_truncated ? 0 : text.length;
}
