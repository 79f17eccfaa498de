// SPDX-License-Identifier: MIT
#ifndef TBO_CODEC_ALGORITHM_H
#define TBO_CODEC_ALGORITHM_H

#include "json.h"

/** Signature algorithm. */
typedef enum {
  TBO_ALG_UNKNOWN,
  TBO_ALG_ECDSA_P256,   /**< `ecdsa-p256-sha256`; signatures are DER. */
  TBO_ALG_RSA_PKCS1V15, /**< `rsa-pkcs1v15-sha256`; 2048 to 4096 bits. */
  TBO_ALG_ED25519       /**< `ed25519`; devices do not use it. */
} tbo_alg_t;

/** Returns the algorithm that a string names; TBO_ALG_UNKNOWN for any other value. */
tbo_alg_t tbo_algorithm(tbo_json_t value);

#endif
