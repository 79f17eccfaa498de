// SPDX-License-Identifier: MIT
/**
 * What a device keeps across resets besides what its flash says by itself, and its text in NVS: eight hexadecimal digits
 * of CRC-32, then JSON.
 */
#ifndef TBO_CODEC_RECORD_H
#define TBO_CODEC_RECORD_H

#include "sha256.h"
#include "text.h"
#include "time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Maximum size of a record's text with its zero, in bytes. */
#define TBO_RECORD_TEXT_SIZE 800u

/** Maximum size of an error code with its zero, in bytes. */
#define TBO_CODE_SIZE 40u

/** How an offer ended. */
typedef enum { TBO_OUTCOME_NONE, TBO_OUTCOME_CONFIRMED, TBO_OUTCOME_ROLLED_BACK, TBO_OUTCOME_FAILED } tbo_outcome_kind_t;

/** An image that was or is about to be started on probation. */
typedef struct {
  uint8_t offer[16];              /**< Id of the offer. */
  uint8_t image[TBO_SHA256_SIZE]; /**< SHA-256 of the image. */
  uint32_t attempts;              /**< How often it was set to boot under this offer, or booted without protection. */
  uint32_t probation_ms;
  uint32_t probation_max_ms;      /**< 0 if the offer stated none. */
  bool is_present;                /**< There is an attempt. */
  bool is_proven;                 /**< It passed its probation. */
  char error[TBO_CODE_SIZE];      /**< Code of the error for which it is rolled back; empty without one. */
} tbo_attempt_t;

/** The end of the last accepted offer. */
typedef struct {
  tbo_outcome_kind_t kind; /**< TBO_OUTCOME_NONE if there is no outcome. */
  uint8_t offer[16];
  uint8_t image[TBO_SHA256_SIZE];
  char error[TBO_CODE_SIZE]; /**< Empty without one. */
} tbo_outcome_t;

/** The record of a device. All zero is the record of a device that never accepted an offer. */
typedef struct {
  uint32_t epoch, sequence; /**< Highest accepted; 0 and 0 before the first offer. */
  bool has_payload_sha256;  /**< `false` before the first offer. */
  uint8_t payload_sha256[TBO_SHA256_SIZE];
  uint32_t floor_epoch;  /**< Epoch of the time floor. */
  tbo_time_t floor_time; /**< Latest `issued_at` of authentic offers of that epoch; empty without a floor. */
  bool is_whole;         /**< The target slot holds the verified image of that offer, and nothing touched it since. */
  tbo_attempt_t attempt;
  tbo_outcome_t outcome;
} tbo_record_t;

/**
 * Writes a record.
 *
 * @param out Receives the text, zero-terminated.
 * @return Its length.
 */
size_t tbo_record_write(const tbo_record_t *record, char out[TBO_RECORD_TEXT_SIZE]);

/**
 * Reads a record.
 *
 * @return `false` if the text is not a record; `record` is then the one of a device that never accepted an offer.
 */
bool tbo_record_read(const char *text, size_t length, tbo_record_t *record);

#endif
