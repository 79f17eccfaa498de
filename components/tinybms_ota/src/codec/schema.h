// SPDX-License-Identifier: MIT
/** Reading of objects by tables that say what the protocol's schemas say of their members. */
#ifndef TBO_CODEC_SCHEMA_H
#define TBO_CODEC_SCHEMA_H

#include "json.h"
#include "time.h"

#include <stddef.h>

/** Type of a member, and of where its value goes. */
typedef enum {
  TBO_TYPE_ANY,    /**< Any value: tbo_json_t. */
  TBO_TYPE_TEXT,   /**< A string of `min` to `max` UTF-16 units: tbo_json_t. */
  TBO_TYPE_NAME,   /**< A string of `min` to `max` characters of `[a-z0-9-]`, the first not a hyphen: tbo_json_t. */
  TBO_TYPE_DEVICE, /**< The name of a device: tbo_json_t. */
  TBO_TYPE_BASE64, /**< Canonical base64 of `min` to `max` characters: tbo_json_t. */
  TBO_TYPE_NUMBER, /**< An integer from `min` to `max`: int32_t, or uint32_t if `min` is not negative. */
  TBO_TYPE_HEX,    /**< `max` bytes in lower-case hexadecimal digits: `uint8_t[max]`. */
  TBO_TYPE_TIME,   /**< A time: tbo_time_t. */
  TBO_TYPE_CODE,   /**< A string that fits and is not empty: `char[max]`, with a zero at the end. */
  TBO_TYPE_FLAG,   /**< `true`: bool. What is not so is absent. */
  TBO_TYPE_MASK = 15,
  TBO_TYPE_LIST = 16,    /**< Added to a type: `min` to `max` such items, each from 1 to `item_max`: tbo_json_t. */
  TBO_TYPE_OPTIONAL = 32 /**< Added to a type: if it is absent, its place is left as it is. */
} tbo_type_t;

/** Offset of a member whose value is only checked. */
#define TBO_NOWHERE UINT16_MAX

/** One member of an object. */
typedef struct {
  uint8_t type; /**< Sum of tbo_type_t. */
  uint8_t item_max;
  uint16_t offset; /**< In the struct that is read, or TBO_NOWHERE. */
  int32_t min, max;
} tbo_member_t;

/**
 * Reads the members of an object.
 *
 * @param names   Their names, as in words.h.
 * @param members As many as names, in the same order.
 * @param out     The struct that receives them.
 * @return `false` if a member has another type, is out of range, or is absent without TBO_TYPE_OPTIONAL.
 */
bool tbo_schema_read(tbo_json_t object, const char *names, const tbo_member_t *members, void *out);

#endif
