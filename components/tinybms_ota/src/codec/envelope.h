// SPDX-License-Identifier: MIT
/**
 * Envelopes: a signed JSON document in base64 and up to four signatures.
 *
 * An envelope is decoded in place: the payload and the signatures stand in the message's own bytes afterwards, so no
 * second buffer is needed. `tbo_envelope_encode` restores the message, for an envelope inside signed bytes.
 */
#ifndef TBO_CODEC_ENVELOPE_H
#define TBO_CODEC_ENVELOPE_H

#include "algorithm.h"
#include "json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Maximum size of an envelope on the wire, in bytes. */
#define TBO_ENVELOPE_MAX 4096u

/** Maximum number of signatures in an envelope. */
#define TBO_SIGNATURES_MAX 4u

/** Size of a key's id in bytes. */
#define TBO_KEYID_SIZE 16u

/** One signature of a decoded envelope. */
typedef struct {
  uint8_t keyid[TBO_KEYID_SIZE]; /**< Id of the key to try first. */
  tbo_alg_t alg;                 /**< Algorithm as the signer states it; TBO_ALG_UNKNOWN for any other name. */
  uint8_t *bytes;                /**< The signature, in the message. */
  size_t length;
} tbo_signature_t;

/** A decoded envelope. */
typedef struct {
  uint8_t *payload; /**< The signed bytes, in the message. */
  size_t payload_length;
  size_t count; /**< Number of signatures. */
  tbo_signature_t signatures[TBO_SIGNATURES_MAX];
} tbo_envelope_t;

/**
 * Checks that a value of a checked document is an envelope with canonical base64. Changes nothing.
 *
 * @return `false` if it violates the schema.
 */
bool tbo_envelope_check(tbo_json_t value);

/**
 * Decodes an envelope in place, after `tbo_envelope_check`.
 *
 * @param message Start of the buffer in which `value` stands.
 */
void tbo_envelope_decode(char *message, tbo_json_t value, tbo_envelope_t *envelope);

/** Encodes a decoded envelope in place, which restores the message from before `tbo_envelope_decode`. */
void tbo_envelope_encode(const tbo_envelope_t *envelope);

/**
 * Parses an envelope message and decodes it in place.
 *
 * @param message Changed if it is an envelope.
 * @return `false` if it has more than TBO_ENVELOPE_MAX bytes or is not an envelope.
 */
bool tbo_envelope_parse(char *message, size_t length, tbo_envelope_t *envelope);

#endif
