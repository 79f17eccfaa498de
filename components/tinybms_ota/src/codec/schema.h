// SPDX-License-Identifier: MIT
/** Checks of members against the protocol's schemas. A member is looked up by its name in an object. */
#ifndef TBO_CODEC_SCHEMA_H
#define TBO_CODEC_SCHEMA_H

#include "json.h"
#include "time.h"

/** Reads an integer member from `min` to `max`, which are not negative. */
bool tbo_schema_number(tbo_json_t object, const char *name, int32_t min, int32_t max, uint32_t *number);

/** Reads an integer member that may be absent: `number` is then 0. */
bool tbo_schema_optional_number(tbo_json_t object, const char *name, int32_t min, int32_t max, uint32_t *number);

/** Returns `true` if a member is the number that marks the version of a format, or another constant. */
bool tbo_schema_constant(tbo_json_t object, const char *name, int32_t constant);

/** Reads a member of `2 * size` lower-case hexadecimal digits. */
bool tbo_schema_hex(tbo_json_t object, const char *name, uint8_t *bytes, size_t size);

/** Reads a time. */
bool tbo_schema_time(tbo_json_t object, const char *name, tbo_time_t *time);

/** Returns `true` if a value is a string of `min` to `max` UTF-16 units. */
bool tbo_schema_is_text(tbo_json_t value, size_t min, size_t max);

/** Returns `true` if a value is a string of 1 to `max` characters of `[a-z0-9-]`, the first not a hyphen. */
bool tbo_schema_is_name(tbo_json_t value, size_t max);

/** Returns `true` if a value is an array of `min` to `max` items. */
bool tbo_schema_is_list(tbo_json_t value, size_t min, size_t max);

#endif
