// SPDX-License-Identifier: MIT
#include "algorithm.h"

#include <string.h>

tbo_alg_t tbo_algorithm(tbo_json_t value) {
  static const char *const names[] = {"ecdsa-p256-sha256", "rsa-pkcs1v15-sha256", "ed25519"};
  for (unsigned i = 0; i < 3; i++) {
    if (tbo_json_equals(value, names[i], strlen(names[i]))) return (tbo_alg_t)(TBO_ALG_ECDSA_P256 + i);
  }
  return TBO_ALG_UNKNOWN;
}
