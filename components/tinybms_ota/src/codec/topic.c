// SPDX-License-Identifier: MIT
#include "topic.h"

#include "hex.h"
#include "json.h"
#include "text.h"
#include "utf8.h"

#include <string.h>

static const char VERSION[] = "/v1/";

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

/**
 * Topics below `ROOT/v1/`, in the order of tbo_topic_kind_t. `#` stands for an epoch, `%` for an image, `@` for a device.
 */
static const char PATTERNS[][17] = {"keys/#",        "offer",          "device/@/offer",   "image/%/hashes",
                                    "image/%/chunk", "device/@/chunk", "device/@/request", "device/@/state"};

/** Reads a decimal number from 1 to 2^31−1 without leading zeros. */
static bool read_epoch(const char *text, size_t length, uint32_t *epoch) {
  tbo_json_t value;
  if (!tbo_json_check(text, length, 1, &value) || value.length != length) return false;
  return tbo_json_integer(value, 1, INT32_MAX, (int32_t *)epoch);
}

/** Reads one level of a topic. */
static bool read_level(char type, const char *text, size_t length, tbo_topic_t *parsed) {
  if (type == '#') return read_epoch(text, length, &parsed->epoch);
  if (type == '%') return length == 2 * sizeof parsed->image && tbo_hex_decode(text, parsed->image, sizeof parsed->image);
  parsed->device = text;
  parsed->device_length = length;
  return tbo_topic_is_device(text, length);
}

static bool is_level(char c) { return c == '#' || c == '%' || c == '@'; }

static bool matches(const char *pattern, const char *at, const char *end, tbo_topic_t *parsed) {
  for (; *pattern != '\0'; pattern++) {
    const char *start = at;
    if (is_level(*pattern)) {
      while (at < end && *at != '/') at++;
      if (!read_level(*pattern, start, (size_t)(at - start), parsed)) return false;
    } else if (at == end || *at++ != *pattern) {
      return false;
    }
  }
  return at == end;
}

void tbo_topic_parse(const char *root, const char *topic, size_t length, tbo_topic_t *parsed) {
  size_t root_length = strlen(root);
  const char *at = topic + root_length + sizeof VERSION - 1;
  unsigned kind = TBO_TOPIC_STATE;
  if (length < root_length + sizeof VERSION - 1 || memcmp(topic, root, root_length) != 0 ||
      memcmp(topic + root_length, VERSION, sizeof VERSION - 1) != 0) {
    kind = TBO_TOPIC_NONE;
  }
  // What a pattern that fails has read, the one that matches overwrites: both begin with the same levels.
  *parsed = (tbo_topic_t){.kind = TBO_TOPIC_NONE};
  while (kind != TBO_TOPIC_NONE && !matches(PATTERNS[kind - 1], at, topic + length, parsed)) kind--;
  if (kind != TBO_TOPIC_NONE) parsed->kind = (tbo_topic_kind_t)kind;
  else *parsed = (tbo_topic_t){.kind = TBO_TOPIC_NONE};
}

size_t tbo_topic_write(const char *root, const tbo_topic_t *topic, char out[TBO_TOPIC_SIZE]) {
  tbo_text_t text;
  tbo_text_begin(&text, out, TBO_TOPIC_SIZE);
  if (topic->kind == TBO_TOPIC_NONE) return 0;
  tbo_text_add(&text, root);
  tbo_text_add(&text, VERSION);
  for (const char *pattern = PATTERNS[topic->kind - 1]; *pattern != '\0'; pattern++) {
    if (*pattern == '#') tbo_text_number(&text, topic->epoch);
    else if (*pattern == '%') tbo_text_hex(&text, topic->image, sizeof topic->image);
    else if (*pattern == '@') tbo_text_bytes(&text, topic->device, topic->device_length);
    else tbo_text_bytes(&text, pattern, 1);
  }
  return text.is_truncated ? 0 : text.length;
}
