// SPDX-License-Identifier: MIT
#include "json.h"

#include "hex.h"
#include "utf8.h"

#include <string.h>

/** Position in a text and its end. */
typedef struct {
  const char *at;
  const char *end;
} cursor_t;

static const tbo_json_t NOTHING = {NULL, 0};

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void skip_space(cursor_t *cursor) {
  while (cursor->at < cursor->end && is_space(*cursor->at)) cursor->at++;
}

/** Moves behind a character and the space around it. */
static bool take(cursor_t *cursor, char c) {
  skip_space(cursor);
  if (cursor->at == cursor->end || *cursor->at != c) return false;
  cursor->at++;
  skip_space(cursor);
  return true;
}

/* ---- Escapes ---- */

/** Reads four hexadecimal digits of either case. */
static bool read_unit(const char *digits, const char *end, uint32_t *unit) {
  if (end - digits < 4) return false;
  *unit = 0;
  for (int i = 0; i < 4; i++) {
    char c = digits[i];
    char lower = (char)(c | 0x20);
    if (!is_digit(c) && (lower < 'a' || lower > 'f')) return false;
    *unit = *unit << 4 | (uint32_t)(is_digit(c) ? c - '0' : lower - 'a' + 10);
  }
  return true;
}

/** Returns `true` for the characters that are never written as an escape: those of identifiers, times and base64. */
static bool is_plain(uint32_t c) {
  if (c >= 0x80) return false;
  if ((c >= '+' && c <= ':' && c != ',') || c == '=' || c == '_') return true;
  return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/**
 * Reads one UTF-16 unit or character of a string.
 *
 * @param cursor Stands on the character or its backslash; moves behind it.
 * @return `false` if an escape is wrong or the bytes are not UTF-8.
 */
static bool read_character(cursor_t *cursor, uint32_t *character) {
  if (*cursor->at != '\\') {
    size_t size = tbo_utf8_read(cursor->at, (size_t)(cursor->end - cursor->at), character);
    cursor->at += size;
    return size > 0;
  }
  if (cursor->end - cursor->at < 2) return false;
  char letter = cursor->at[1];
  cursor->at += 2;
  if (letter == 'u') {
    if (!read_unit(cursor->at, cursor->end, character)) return false;
    cursor->at += 4;
    return !is_plain(*character);
  }
  for (const char *escape = TBO_JSON_ESCAPES; *escape != '\0'; escape += 2) {
    if (*escape != letter) continue;
    *character = (uint8_t)escape[1];
    return true;
  }
  return false;
}

/** Reads one code point of a checked string: two escaped surrogates are one. A lone surrogate is returned as it is. */
static uint32_t next_code_point(cursor_t *cursor) {
  uint32_t first = 0;
  uint32_t second = 0;
  (void)read_character(cursor, &first);
  bool is_high = first >= 0xd800 && first <= 0xdbff;
  if (!is_high || cursor->end - cursor->at < 6 || cursor->at[0] != '\\' || cursor->at[1] != 'u') return first;
  if (!read_unit(cursor->at + 2, cursor->end, &second) || second < 0xdc00 || second > 0xdfff) return first;
  cursor->at += 6;
  return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

/* ---- Moving through checked text ---- */

/** Moves behind a string; stands on its first quote. */
static void skip_string(cursor_t *cursor) {
  cursor->at++;
  while (cursor->at < cursor->end && *cursor->at != '"') cursor->at += *cursor->at == '\\' ? 2 : 1;
  cursor->at++;
}

static bool ends_scalar(char c) { return c == ',' || c == ']' || c == '}' || is_space(c); }

/** Moves behind a value. */
static void skip_value(cursor_t *cursor) {
  unsigned depth = 0;
  do {
    char c = *cursor->at;
    if (c == '"') {
      skip_string(cursor);
    } else if (c == '{' || c == '[') {
      depth++;
      cursor->at++;
    } else if (c == '}' || c == ']') {
      depth--;
      cursor->at++;
    } else {
      do cursor->at++;
      while (depth == 0 && cursor->at < cursor->end && !ends_scalar(*cursor->at));
    }
  } while (depth > 0 && cursor->at < cursor->end);
}

/** Returns the value at a cursor, which moves behind it. */
static tbo_json_t value_at(cursor_t *cursor) {
  const char *start = cursor->at;
  skip_value(cursor);
  return (tbo_json_t){start, (size_t)(cursor->at - start)};
}

/* ---- Checking ---- */

static bool check_string(cursor_t *cursor, bool may_escape) {
  if (cursor->at == cursor->end || *cursor->at != '"') return false;
  cursor->at++;
  while (cursor->at < cursor->end) {
    uint32_t character;
    uint8_t c = (uint8_t)*cursor->at;
    if (c == '"') {
      cursor->at++;
      return true;
    }
    if (c < 0x20 || (c == '\\' && !may_escape)) return false;
    if (c < 0x80 && c != '\\') cursor->at++;
    else if (!read_character(cursor, &character)) return false;
  }
  return false;
}

static bool check_number(cursor_t *cursor) {
  const char *start = cursor->at;
  bool is_negative = *cursor->at == '-';
  if (is_negative) cursor->at++;
  const char *digits = cursor->at;
  uint32_t value = 0;
  while (cursor->at < cursor->end && is_digit(*cursor->at)) {
    if (value > TBO_JSON_INTEGER_MAX / 10) return false;
    value = value * 10 + (uint32_t)(*cursor->at++ - '0');
  }
  if (cursor->at == digits || (*digits == '0' && cursor->at - start > 1)) return false;
  if (cursor->at < cursor->end && (*cursor->at == '.' || (*cursor->at | 0x20) == 'e')) return false;
  return value <= TBO_JSON_INTEGER_MAX;
}

static bool check_scalar(cursor_t *cursor) {
  static const char *const words[] = {"true", "false", "null"};
  if (cursor->at == cursor->end) return false;
  if (*cursor->at == '"') return check_string(cursor, true);
  if (*cursor->at == '-' || is_digit(*cursor->at)) return check_number(cursor);
  for (unsigned i = 0; i < 3; i++) {
    size_t size = strlen(words[i]);
    if ((size_t)(cursor->end - cursor->at) < size || memcmp(cursor->at, words[i], size) != 0) continue;
    cursor->at += size;
    return true;
  }
  return false;
}

/** Returns `true` if the members from `members` to `name` already have a name that equals the `size` bytes at `name`. */
static bool is_duplicate(const char *members, const char *name, size_t size) {
  cursor_t cursor = {members, name};
  for (;;) {
    skip_space(&cursor);
    if (cursor.at >= name) return false;
    const char *other = cursor.at;
    skip_string(&cursor);
    if ((size_t)(cursor.at - other) == size && memcmp(other, name, size) == 0) return true;
    (void)take(&cursor, ':');
    skip_value(&cursor);
    (void)take(&cursor, ',');
  }
}

/** Checks a member's name and the colon. `members` is where the object's first member begins. */
static bool check_name(cursor_t *cursor, const char *members) {
  static const char forbidden[] = "\"__proto__\"";
  const char *name = cursor->at;
  if (!check_string(cursor, false)) return false;
  size_t size = (size_t)(cursor->at - name);
  if (size == sizeof forbidden - 1 && memcmp(name, forbidden, size) == 0) return false;
  return !is_duplicate(members, name, size) && take(cursor, ':');
}

/** Returns the next character, or a zero at the end. */
static char peek(const cursor_t *cursor) { return cursor->at < cursor->end ? *cursor->at : '\0'; }

/**
 * Checks a value and moves behind it.
 *
 * @param depth Containers that may be nested here.
 */
static bool check_value(cursor_t *cursor, unsigned depth) {
  char start = peek(cursor);
  char end = (char)(start + 2); /* of [ and { */
  if (start != '{' && start != '[') return check_scalar(cursor);
  if (depth == 0) return false;
  (void)take(cursor, start);
  const char *members = cursor->at;
  if (peek(cursor) != end) {
    do {
      if (start == '{' && !check_name(cursor, members)) return false;
      if (!check_value(cursor, depth - 1)) return false;
    } while (take(cursor, ','));
    if (peek(cursor) != end) return false;
  }
  cursor->at++;
  return true;
}

bool tbo_json_check(const char *text, size_t length, unsigned depth_max, tbo_json_t *root) {
  cursor_t cursor = {text, text + length};
  skip_space(&cursor);
  const char *start = cursor.at;
  if (depth_max > TBO_JSON_DEPTH_MAX || !check_value(&cursor, depth_max)) return false;
  if (root != NULL) *root = (tbo_json_t){start, (size_t)(cursor.at - start)};
  skip_space(&cursor);
  return cursor.at == cursor.end;
}

/* ---- Reading ---- */

tbo_json_type_t tbo_json_type(tbo_json_t value) {
  if (value.text == NULL) return TBO_JSON_NONE;
  char start = value.text[0];
  return start == '-' || is_digit(start) ? TBO_JSON_INTEGER : (tbo_json_type_t)start;
}

/** Returns the value at a place in a container, behind the member's name in an object. */
static tbo_json_t item_at(tbo_json_t container, const char *at) {
  cursor_t cursor = {at, container.text + container.length};
  skip_space(&cursor);
  if (*cursor.at == ']' || *cursor.at == '}') return NOTHING;
  if (container.text[0] == '{') {
    skip_string(&cursor);
    (void)take(&cursor, ':');
  }
  return value_at(&cursor);
}

tbo_json_t tbo_json_first(tbo_json_t container) {
  tbo_json_type_t type = tbo_json_type(container);
  if (type != TBO_JSON_ARRAY && type != TBO_JSON_OBJECT) return NOTHING;
  return item_at(container, container.text + 1);
}

tbo_json_t tbo_json_next(tbo_json_t container, tbo_json_t item) {
  cursor_t cursor = {item.text + item.length, container.text + container.length};
  return take(&cursor, ',') ? item_at(container, cursor.at) : NOTHING;
}

tbo_json_t tbo_json_name(tbo_json_t member) {
  const char *end = member.text;
  do end--;
  while (*end != '"');
  const char *start = end;
  while (start[-1] != '"') start--;
  return (tbo_json_t){start, (size_t)(end - start)};
}

tbo_json_t tbo_json_member(tbo_json_t object, const char *name) {
  if (tbo_json_type(object) != TBO_JSON_OBJECT) return NOTHING;
  size_t size = strlen(name);
  for (tbo_json_t member = tbo_json_first(object); member.text != NULL; member = tbo_json_next(object, member)) {
    tbo_json_t own = tbo_json_name(member);
    if (own.length == size && memcmp(own.text, name, size) == 0) return member;
  }
  return NOTHING;
}

size_t tbo_json_count(tbo_json_t container) {
  size_t count = 0;
  for (tbo_json_t item = tbo_json_first(container); item.text != NULL; item = tbo_json_next(container, item)) count++;
  return count;
}

bool tbo_json_integer(tbo_json_t value, int32_t min, int32_t max, int32_t *integer) {
  if (tbo_json_type(value) != TBO_JSON_INTEGER) return false;
  bool is_negative = value.text[0] == '-';
  int32_t magnitude = 0;
  for (size_t i = is_negative ? 1 : 0; i < value.length; i++) magnitude = magnitude * 10 + (value.text[i] - '0');
  *integer = is_negative ? -magnitude : magnitude;
  return *integer >= min && *integer <= max;
}

tbo_json_t tbo_json_raw(tbo_json_t value) {
  if (tbo_json_type(value) != TBO_JSON_STRING) return NOTHING;
  return (tbo_json_t){value.text + 1, value.length - 2};
}

bool tbo_json_next_code_point(tbo_json_t *raw, uint32_t *code_point) {
  if (raw->length == 0) return false;
  cursor_t cursor = {raw->text, raw->text + raw->length};
  *code_point = next_code_point(&cursor);
  raw->length -= (size_t)(cursor.at - raw->text);
  raw->text = cursor.at;
  return true;
}

bool tbo_json_equals(tbo_json_t value, const char *text, size_t length) {
  tbo_json_t raw = tbo_json_raw(value);
  if (raw.text == NULL) return false;
  for (uint32_t found; tbo_json_next_code_point(&raw, &found);) {
    uint32_t expected;
    size_t size = length == 0 ? 0 : tbo_utf8_read(text, length, &expected);
    if (size == 0 || found != expected) return false;
    text += size;
    length -= size;
  }
  return length == 0;
}

size_t tbo_json_string(tbo_json_t value, char *out, size_t size) {
  tbo_json_t raw = tbo_json_raw(value);
  if (raw.text == NULL || size == 0) return SIZE_MAX;
  size_t length = 0;
  for (uint32_t code_point; tbo_json_next_code_point(&raw, &code_point);) {
    char character[4];
    if (code_point == 0) return SIZE_MAX;
    bool is_surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
    size_t step = tbo_utf8_write(is_surrogate ? 0xfffd : code_point, character);
    if (size <= length + step) return SIZE_MAX;
    memcpy(out + length, character, step);
    length += step;
  }
  out[length] = '\0';
  return length;
}

size_t tbo_json_units(tbo_json_t value) {
  tbo_json_t raw = tbo_json_raw(value);
  if (raw.text == NULL) return SIZE_MAX;
  size_t count = 0;
  for (uint32_t code_point; tbo_json_next_code_point(&raw, &code_point);) count += code_point < 0x10000 ? 1 : 2;
  return count;
}

bool tbo_json_hex(tbo_json_t value, uint8_t *bytes, size_t size) {
  tbo_json_t raw = tbo_json_raw(value);
  return raw.text != NULL && raw.length == 2 * size && tbo_hex_decode(raw.text, bytes, size);
}

unsigned tbo_json_find_id(tbo_json_t list, const uint8_t id[TBO_JSON_ID_SIZE]) {
  unsigned position = 0;
  for (tbo_json_t it = tbo_json_first(list); it.text != NULL; it = tbo_json_next(list, it), position++) {
    uint8_t found[TBO_JSON_ID_SIZE];
    if (tbo_json_hex(it, found, sizeof found) && memcmp(found, id, sizeof found) == 0) break;
  }
  return position;
}
