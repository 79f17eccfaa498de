// SPDX-License-Identifier: MIT
/** Releases: what an image is. */
#ifndef TBO_CODEC_RELEASE_H
#define TBO_CODEC_RELEASE_H

#include "json.h"
#include "sha256.h"
#include "time.h"

/** A parsed release. */
typedef struct {
  tbo_json_t product;  /**< A view of the payload. */
  tbo_json_t hardware; /**< A view of the payload. */
  tbo_time_t created_at;
  uint8_t sha256[TBO_SHA256_SIZE];           /**< SHA-256 of the image. */
  uint8_t hash_list_sha256[TBO_SHA256_SIZE]; /**< SHA-256 of the hash list. */
  uint32_t size;                             /**< Size of the image in bytes, at least 1. */
  uint32_t secure_version;
  uint32_t chip_id; /**< `esp_chip_id_t`. */
} tbo_release_t;

/**
 * Parses the payload of a release envelope.
 *
 * @return `false` if it is not a release.
 */
bool tbo_release_parse(const char *payload, size_t length, tbo_release_t *release);

/**
 * Returns `true` if a release's hardware allows a chip. `esp32` allows every chip of the family, the name of another
 * chip that chip alone, any other text every chip.
 */
bool tbo_release_allows_chip(const tbo_release_t *release, uint16_t chip_id);

#endif
