// SPDX-License-Identifier: MIT
#include "algorithm.h"

#include "words.h"

tbo_alg_t tbo_algorithm(tbo_json_t value) {
  static const char names[] = "ecdsa-p256-sha256\0rsa-pkcs1v15-sha256\0ed25519\0";
  unsigned position = tbo_word_find(names, value);
  return position < 3 ? (tbo_alg_t)(1u << position) : TBO_ALG_UNKNOWN;
}
