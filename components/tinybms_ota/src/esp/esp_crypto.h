// SPDX-License-Identifier: MIT
/** SHA-256 and signatures by ESP-IDF's crypto library: PSA from v6.0 on, Mbed TLS 3 before. */
#ifndef TBO_ESP_CRYPTO_H
#define TBO_ESP_CRYPTO_H

#include "tinybms_ota.h"

#include "esp_idf_version.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(6, 0, 0)
#include "psa/crypto.h"
typedef psa_hash_operation_t tbo_esp_sha256_t;
#else
#include "mbedtls/sha256.h"
typedef mbedtls_sha256_context tbo_esp_sha256_t;
#endif

/** Begins a hash. Ends with tbo_esp_sha256_end() or tbo_esp_sha256_abort(), also after a failure. */
bool tbo_esp_sha256_begin(tbo_esp_sha256_t *hash);
bool tbo_esp_sha256_update(tbo_esp_sha256_t *hash, const uint8_t *bytes, size_t length);
/** Begins a hash that goes on where another one is. */
bool tbo_esp_sha256_copy(const tbo_esp_sha256_t *from, tbo_esp_sha256_t *to);
bool tbo_esp_sha256_end(tbo_esp_sha256_t *hash, uint8_t digest[32]);
void tbo_esp_sha256_abort(tbo_esp_sha256_t *hash);

/** Computes the SHA-256 of `head` followed by `body`, as tbo_port_t asks; all zero if the library fails. */
void tbo_esp_sha256(void *context, const uint8_t *head, size_t head_length, const uint8_t *body, size_t body_length,
                    uint8_t digest[32]);

/** Returns whether a point is on P-256, as tbo_port_t asks. */
bool tbo_esp_has_point(void *context, const uint8_t point[65]);

/** Returns whether a signature is valid. Takes 0.2 to 0.3 s for ECDSA without hardware. */
bool tbo_esp_verify(const tbo_verify_t *question);

#endif
