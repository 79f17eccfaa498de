// SPDX-License-Identifier: MIT
#include "schema.h"

#include "base64.h"
#include "topic.h"

#include <string.h>

static bool is_name(tbo_json_t raw) {
  if (raw.text[0] == '-') return false;
  for (size_t i = 0; i < raw.length; i++) {
    char c = raw.text[i];
    if (c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z')) return false;
  }
  return true;
}

/** Checks a string's length in the units of its type, and its characters. */
static bool check_string(tbo_json_t value, unsigned type, int32_t min, int32_t max) {
  tbo_json_t raw = tbo_json_raw(value);
  size_t length = type == TBO_TYPE_TEXT ? tbo_json_units(value) : raw.length;
  if (raw.text == NULL || length < (size_t)min || length > (size_t)max) return false;
  if (type == TBO_TYPE_NAME) return is_name(raw);
  if (type == TBO_TYPE_DEVICE) return tbo_topic_is_device(raw.text, raw.length);
  return type == TBO_TYPE_TEXT || tbo_base64_length(raw.text, raw.length) != SIZE_MAX;
}

/** Reads a value that is not a view. */
static bool read_value(tbo_json_t value, unsigned type, int32_t min, int32_t max, void *out) {
  tbo_json_t raw = tbo_json_raw(value);
  switch (type) {
    case TBO_TYPE_NUMBER:
      return tbo_json_integer(value, min, max, out);
    case TBO_TYPE_HEX:
      return tbo_json_hex(value, out, (size_t)max);
    case TBO_TYPE_TIME:
      return raw.text != NULL && tbo_time_read(raw.text, raw.length, out);
    case TBO_TYPE_CODE:
      return tbo_json_string(value, out, (size_t)max) != SIZE_MAX && *(const char *)out != '\0';
    default:
      *(bool *)out = tbo_json_type(value) == TBO_JSON_TRUE;
      return *(const bool *)out;
  }
}

static bool read_any(tbo_json_t value, unsigned type, int32_t min, int32_t max, void *out) {
  if (type >= TBO_TYPE_NUMBER) return read_value(value, type, min, max, out);
  memcpy(out, &value, sizeof value);
  return type == TBO_TYPE_ANY || check_string(value, type, min, max);
}

static bool check_list(tbo_json_t list, const tbo_member_t *member) {
  int32_t count = 0;
  uint32_t scratch[8];
  if (tbo_json_type(list) != TBO_JSON_ARRAY) return false;
  for (tbo_json_t item = tbo_json_first(list); item.text != NULL; item = tbo_json_next(list, item)) {
    count++;
    if (!read_any(item, member->type & TBO_TYPE_MASK, 1, member->item_max, scratch)) return false;
  }
  return count >= member->min && count <= member->max;
}

bool tbo_schema_read(tbo_json_t object, const char *names, const tbo_member_t *members, void *out) {
  for (const tbo_member_t *member = members; names[0] != '\0'; names += strlen(names) + 1, member++) {
    uint32_t scratch[8];
    tbo_json_t value = tbo_json_member(object, names);
    unsigned type = member->type & (TBO_TYPE_MASK | TBO_TYPE_LIST);
    void *place = member->offset == TBO_NOWHERE ? (void *)scratch : (char *)out + member->offset;
    if (value.text == NULL && (member->type & TBO_TYPE_OPTIONAL) != 0) continue;
    if (value.text == NULL) return false;
    if (type > TBO_TYPE_MASK) {
      memcpy(place, &value, sizeof value);
      if (!check_list(value, member)) return false;
    } else if (!read_any(value, type, member->min, member->max, place)) {
      return false;
    }
  }
  return true;
}
