// SPDX-License-Identifier: MIT
/** Topics of the protocol, below the root of a product. */
#ifndef TBO_CODEC_TOPIC_H
#define TBO_CODEC_TOPIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Maximum size of a topic with its zero at the end, in bytes. */
#define TBO_TOPIC_SIZE 129u

/** Maximum length of a topic root in bytes. */
#define TBO_TOPIC_ROOT_MAX 45u

/** Maximum length of a device's name in characters. */
#define TBO_DEVICE_NAME_MAX 64u

/** Kind of a topic. */
typedef enum {
  TBO_TOPIC_NONE,
  TBO_TOPIC_KEYS,         /**< `ROOT/v1/keys/EPOCH` */
  TBO_TOPIC_OFFER,        /**< `ROOT/v1/offer` */
  TBO_TOPIC_DEVICE_OFFER, /**< `ROOT/v1/device/DEVICE/offer` */
  TBO_TOPIC_HASHES,       /**< `ROOT/v1/image/IMAGE/hashes` */
  TBO_TOPIC_IMAGE_CHUNK,  /**< `ROOT/v1/image/IMAGE/chunk` */
  TBO_TOPIC_DEVICE_CHUNK, /**< `ROOT/v1/device/DEVICE/chunk` */
  TBO_TOPIC_REQUEST,      /**< `ROOT/v1/device/DEVICE/request` */
  TBO_TOPIC_STATE         /**< `ROOT/v1/device/DEVICE/state` */
} tbo_topic_kind_t;

/** Meaning of a topic. Members that its kind does not have are zero. */
typedef struct {
  tbo_topic_kind_t kind;
  uint32_t epoch;       /**< Epoch of a key set. */
  uint8_t image[16];    /**< First 16 bytes of an image's SHA-256. */
  const char *device;   /**< Name of a device: a view of the topic, not zero-terminated. */
  size_t device_length; /**< Length of `device`. */
} tbo_topic_t;

/** Returns `true` if a text is a topic root: 1 to 45 bytes of UTF-8, no `+`, `#` or control character, no `$` first. */
bool tbo_topic_is_root(const char *text, size_t length);

/** Returns `true` if a text is a device's name: 1 to 64 of `[A-Za-z0-9._-]`, the first a letter or digit. */
bool tbo_topic_is_device(const char *text, size_t length);

/**
 * Parses the topic of a received message.
 *
 * @param root   A valid topic root, zero-terminated.
 * @param parsed Receives the meaning; of kind TBO_TOPIC_NONE if it is not a topic of the protocol below this root.
 */
void tbo_topic_parse(const char *root, const char *topic, size_t length, tbo_topic_t *parsed);

/**
 * Writes a topic, zero-terminated.
 *
 * @param topic What to write. `device` may be longer-lived text of the caller; it must be valid.
 * @param out   Receives the topic.
 * @return Its length, or 0 if it does not fit or its kind is TBO_TOPIC_NONE.
 */
size_t tbo_topic_write(const char *root, const tbo_topic_t *topic, char out[TBO_TOPIC_SIZE]);

#endif
