// SPDX-License-Identifier: MIT
#ifndef TBO_CODEC_PUBLIC_KEY_H
#define TBO_CODEC_PUBLIC_KEY_H

#include "algorithm.h"

#include <stddef.h>
#include <stdint.h>

/** Result of checking a public key. */
typedef enum {
  TBO_KEY_OK,
  TBO_KEY_MALFORMED,  /**< `signing/key-malformed` */
  TBO_KEY_UNSUPPORTED /**< `signing/key-unsupported` */
} tbo_key_verdict_t;

/**
 * Checks a DER SubjectPublicKeyInfo (RFC 5280 section 4.1): ECDSA on P-256 with an uncompressed point on the curve, RSA
 * of 2048 to 4096 bits with the exponent 65537, or Ed25519.
 *
 * An Ed25519 key is checked for its form only; whether its point lies on the curve is not, as devices do not use it.
 *
 * @param alg Receives the algorithm of a key that is TBO_KEY_OK.
 */
tbo_key_verdict_t tbo_public_key_check(const tbo_port_t *port, const uint8_t *spki, size_t length, tbo_alg_t *alg);

#endif
