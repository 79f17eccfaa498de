// SPDX-License-Identifier: MIT
/** Fuzzes the JSON parser: whatever it accepts can be read in full, and lies within the text. */
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

/** Reads a value and everything below it. */
static void read_all(tbo_json_t value, const char *text, size_t size) {
  char string[64];
  int32_t integer;
  if (value.text < text || value.text + value.length > text + size) abort();
  (void)tbo_json_integer(value, INT32_MIN, INT32_MAX, &integer);
  size_t length = tbo_json_string(value, string, sizeof string);
  if (length != SIZE_MAX && tbo_json_units(value) > length) abort();
  for (tbo_json_t it = tbo_json_first(value); it.text != NULL; it = tbo_json_next(value, it)) {
    read_all(it, text, size);
    if (tbo_json_type(value) != TBO_JSON_OBJECT) continue;
    tbo_json_t name = tbo_json_name(it);
    char *own = calloc(name.length + 1, 1);
    memcpy(own, name.text, name.length);
    /* Names are unique, so looking one up gives this very member. */
    if (memchr(own, '\0', name.length) == NULL && tbo_json_member(value, own).text != it.text) abort();
    free(own);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tbo_json_t root;
  const char *text = (const char *)data;
  for (unsigned depth = 1; depth <= TBO_JSON_DEPTH_MAX; depth += 7) {
    if (tbo_json_check(text, size, depth, &root)) read_all(root, text, size);
  }
  return 0;
}
