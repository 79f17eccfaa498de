// SPDX-License-Identifier: MIT
/** Offers: which devices get which release, and how. */
#ifndef TBO_CODEC_OFFER_H
#define TBO_CODEC_OFFER_H

#include "json.h"
#include "sha256.h"
#include "time.h"

/** Checks that an offer's `waive` switches off. */
typedef enum {
  TBO_WAIVE_CHIP_ID = 1,
  TBO_WAIVE_PROJECT_NAME = 2,
  TBO_WAIVE_CONSTRAINTS = 4
} tbo_waive_t;

/** A window of every day, in minutes. */
typedef struct {
  uint32_t start;   /**< After midnight, on a clock that is `offset` ahead of UTC. */
  uint32_t minutes; /**< How long it stays open; 0: there is no window. */
  int32_t offset;
} tbo_window_t;

/** A parsed offer. Views hold as long as the payload is unchanged. */
typedef struct {
  uint8_t id[16];
  uint32_t epoch, sequence;
  tbo_time_t issued_at;
  tbo_time_t expires_at; /**< Empty if the offer does not expire. */
  uint32_t spread_ms;    /**< 0 if the offer states none. */
  uint32_t probation_ms; /**< 0 if the offer states none. */
  uint32_t probation_max_ms; /**< 0 if the offer states none. */
  uint32_t restart_spread_ms; /**< 0 if the offer states none. */
  tbo_time_t install_after; /**< Empty if the offer states none. */
  tbo_window_t between;
  uint8_t waived;        /**< Of tbo_waive_t. */
  tbo_json_t topic_root; /**< A view of the payload, as the next ones. */
  tbo_json_t release;    /**< The release's envelope, checked; of type TBO_JSON_NULL in a withdrawal. */
  tbo_json_t target;
  tbo_json_t from_images; /**< Of type TBO_JSON_NONE without this constraint. */
  tbo_json_t chunk_encodings;
  tbo_json_t critical; /**< Of type TBO_JSON_NONE without it. */
} tbo_offer_t;

/**
 * Parses the payload of an offer envelope.
 *
 * @return `false` if it is not an offer. The release inside is checked as an envelope only.
 */
bool tbo_offer_parse(const char *payload, size_t length, tbo_offer_t *offer);

/** Returns `true` if an offer's target includes a device. */
bool tbo_offer_admits(const tbo_offer_t *offer, const char *device, size_t device_length, const tbo_port_t *port);

/** Returns `true` if this receiver understands everything in `critical` and takes one of the chunk encodings. */
bool tbo_offer_is_supported(const tbo_offer_t *offer);

/** Returns `true` if the offer insists on a time to install, which only a device that knows the time can keep. */
bool tbo_offer_needs_clock(const tbo_offer_t *offer);

/** Returns `true` if the offer may start from an image: it lists it in `from_images`, or has no such constraint. */
bool tbo_offer_starts_from(const tbo_offer_t *offer, const uint8_t running_sha256[TBO_SHA256_SIZE]);

#endif
