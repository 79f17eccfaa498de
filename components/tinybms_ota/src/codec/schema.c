// SPDX-License-Identifier: MIT
#include "schema.h"

bool tbo_schema_number(tbo_json_t object, const char *name, int32_t min, int32_t max, uint32_t *number) {
  int32_t value;
  if (!tbo_json_integer(tbo_json_member(object, name), min, max, &value)) return false;
  *number = (uint32_t)value;
  return true;
}

bool tbo_schema_optional_number(tbo_json_t object, const char *name, int32_t min, int32_t max, uint32_t *number) {
  *number = 0;
  return tbo_json_member(object, name).text == NULL || tbo_schema_number(object, name, min, max, number);
}

bool tbo_schema_constant(tbo_json_t object, const char *name, int32_t constant) {
  uint32_t number;
  return tbo_schema_number(object, name, constant, constant, &number);
}

bool tbo_schema_hex(tbo_json_t object, const char *name, uint8_t *bytes, size_t size) {
  return tbo_json_hex(tbo_json_member(object, name), bytes, size);
}

bool tbo_schema_time(tbo_json_t object, const char *name, tbo_time_t *time) {
  tbo_json_t raw = tbo_json_raw(tbo_json_member(object, name));
  return raw.text != NULL && tbo_time_read(raw.text, raw.length, time);
}

bool tbo_schema_is_text(tbo_json_t value, size_t min, size_t max) {
  size_t count = tbo_json_units(value);
  return count != SIZE_MAX && count >= min && count <= max;
}

bool tbo_schema_is_name(tbo_json_t value, size_t max) {
  tbo_json_t raw = tbo_json_raw(value);
  if (raw.text == NULL || raw.length == 0 || raw.length > max || raw.text[0] == '-') return false;
  for (size_t i = 0; i < raw.length; i++) {
    char c = raw.text[i];
    if (c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z')) return false;
  }
  return true;
}

bool tbo_schema_is_list(tbo_json_t value, size_t min, size_t max) {
  if (tbo_json_type(value) != TBO_JSON_ARRAY) return false;
  size_t count = tbo_json_count(value);
  return count >= min && count <= max;
}
