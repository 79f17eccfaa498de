// SPDX-License-Identifier: MIT
/**
 * Pull parser of strict JSON. `tbo_json_check` validates a whole document once; the other functions read values of a
 * document that passed, in place and without memory of their own.
 */
#ifndef TBO_CODEC_JSON_H
#define TBO_CODEC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Maximum nesting depth of a protocol message, including the outermost value. */
#define TBO_JSON_DEPTH_MAX 8u

/** Maximum magnitude of an integer in a protocol message. */
#define TBO_JSON_INTEGER_MAX INT32_MAX

/** Type of a JSON value: the character with which it begins, `0` for all integers. */
typedef enum {
  TBO_JSON_NONE = 0, /**< No value: a member that is absent, or the end of an array. */
  TBO_JSON_STRING = '"',
  TBO_JSON_INTEGER = '0',
  TBO_JSON_ARRAY = '[',
  TBO_JSON_FALSE = 'f',
  TBO_JSON_NULL = 'n',
  TBO_JSON_TRUE = 't',
  TBO_JSON_OBJECT = '{'
} tbo_json_type_t;

/** Escapes of one letter: the letter, then the character that it stands for, and so on. */
#define TBO_JSON_ESCAPES "\"\"\\\\b\bf\fn\nr\rt\t"

/** The text of one value in a checked document. `text` is NULL for an absent value. */
typedef struct {
  const char *text;
  size_t length;
} tbo_json_t;

/**
 * Checks a whole document: RFC 8259, UTF-8 without a byte-order mark, no nesting deeper than `depth_max`, integers only
 * and within ±2^31−1, no name twice in an object, no name `__proto__`, no escape in a name, and no escape of a character
 * that stands for itself in identifiers and base64 (letters, digits and `+-./:=_`).
 *
 * @param depth_max 1 to TBO_JSON_DEPTH_MAX.
 * @param root      Receives the outermost value; may be NULL.
 * @return `false` if any rule is broken.
 */
bool tbo_json_check(const char *text, size_t length, unsigned depth_max, tbo_json_t *root);

/** Returns the type of a value. */
tbo_json_type_t tbo_json_type(tbo_json_t value);

/**
 * Finds a member of an object.
 *
 * @param name Name without characters that need an escape.
 * @return The member's value; of type TBO_JSON_NONE if it is absent or `object` is not an object.
 */
tbo_json_t tbo_json_member(tbo_json_t object, const char *name);

/**
 * Returns the first item of an array, or the value of the first member of an object.
 *
 * @return A value of type TBO_JSON_NONE if the container is empty.
 */
tbo_json_t tbo_json_first(tbo_json_t container);

/**
 * Returns the item that follows `item`, or the value of the next member.
 *
 * @param container The array or object that holds `item`.
 * @return A value of type TBO_JSON_NONE after the last one.
 */
tbo_json_t tbo_json_next(tbo_json_t container, tbo_json_t item);

/**
 * Returns the name of a member, without quotes.
 *
 * @param member A value that `tbo_json_first` or `tbo_json_next` returned for an object.
 * @return The name's characters; a name has no escapes.
 */
tbo_json_t tbo_json_name(tbo_json_t member);

/** Returns the number of items of an array or members of an object; 0 for any other value. */
size_t tbo_json_count(tbo_json_t container);

/**
 * Reads an integer.
 *
 * @return `false` if the value is not an integer from `min` to `max`.
 */
bool tbo_json_integer(tbo_json_t value, int32_t min, int32_t max, int32_t *integer);

/**
 * Returns the characters of a string as they stand between the quotes, with escapes. A string of letters, digits and
 * `+-./:=_` is there as it is meant.
 *
 * @return A value with `text` NULL if `value` is not a string.
 */
tbo_json_t tbo_json_raw(tbo_json_t value);

/**
 * Reads the next code point of a string, escapes resolved, and moves behind it.
 *
 * @param raw        What is left of `tbo_json_raw`.
 * @param code_point Receives the code point; an escaped lone surrogate as it is.
 * @return `false` at the end.
 */
bool tbo_json_next_code_point(tbo_json_t *raw, uint32_t *code_point);

/** Returns `true` if a value is a string that equals some UTF-8, escapes resolved. */
bool tbo_json_equals(tbo_json_t value, const char *text, size_t length);

/**
 * Reads a string as UTF-8 with a zero at the end. An escaped lone surrogate becomes U+FFFD.
 *
 * @param out  Receives the text.
 * @param size Size of `out` in bytes.
 * @return Length without the zero, or `SIZE_MAX` if the value is not a string, holds U+0000 or does not fit.
 */
size_t tbo_json_string(tbo_json_t value, char *out, size_t size);

/**
 * Returns the length of a string in UTF-16 units, as the schemas' limits count it, escapes resolved.
 *
 * @return `SIZE_MAX` if the value is not a string.
 */
size_t tbo_json_units(tbo_json_t value);

/**
 * Reads a string of lower-case hexadecimal digits.
 *
 * @param size Number of bytes; the string must have twice as many digits.
 */
bool tbo_json_hex(tbo_json_t value, uint8_t *bytes, size_t size);

/** Size of the ids of keys, offers and images in lists, in bytes. */
#define TBO_JSON_ID_SIZE 16u

/**
 * Finds an id in an array of ids in hexadecimal digits.
 *
 * @return Its position; the number of items if it is not there.
 */
unsigned tbo_json_find_id(tbo_json_t list, const uint8_t id[TBO_JSON_ID_SIZE]);

#endif
