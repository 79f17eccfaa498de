// SPDX-License-Identifier: MIT
#include "algorithm.h"

#include <string.h>

tbo_alg_t tbo_algorithm(tbo_json_t value) {
  static const char *const names[] = {"ecdsa-p256-sha256", "rsa-pkcs1v15-sha256", "ed25519"};
  static const tbo_alg_t algorithms[] = {TBO_ALG_ECDSA_P256, TBO_ALG_RSA_PKCS1V15, TBO_ALG_ED25519};
  for (unsigned i = 0; i < 3; i++) {
    if (tbo_json_equals(value, names[i], strlen(names[i]))) return algorithms[i];
  }
  return TBO_ALG_UNKNOWN;
}
