// SPDX-License-Identifier: MIT
#include "esp_crypto.h"

#include <string.h>

#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(6, 0, 0)

#define P256_SIZE 32u

bool tbo_esp_sha256_begin(tbo_esp_sha256_t *hash) {
  *hash = psa_hash_operation_init();
  return psa_crypto_init() == PSA_SUCCESS && psa_hash_setup(hash, PSA_ALG_SHA_256) == PSA_SUCCESS;
}

bool tbo_esp_sha256_update(tbo_esp_sha256_t *hash, const uint8_t *bytes, size_t length) {
  return psa_hash_update(hash, bytes, length) == PSA_SUCCESS;
}

bool tbo_esp_sha256_copy(const tbo_esp_sha256_t *from, tbo_esp_sha256_t *to) {
  *to = psa_hash_operation_init();
  return psa_hash_clone(from, to) == PSA_SUCCESS;
}

bool tbo_esp_sha256_end(tbo_esp_sha256_t *hash, uint8_t digest[32]) {
  size_t length = 0;
  if (psa_hash_finish(hash, digest, 32, &length) == PSA_SUCCESS) return true;
  psa_hash_abort(hash);
  return false;
}

void tbo_esp_sha256_abort(tbo_esp_sha256_t *hash) {
  psa_hash_abort(hash);
}

static bool import_key(tbo_algorithm_t algorithm, const tbo_piece_t *key, psa_key_id_t *id) {
  psa_key_attributes_t attributes = psa_key_attributes_init();
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
  if (algorithm == TBO_ALG_RSA_PKCS1V15) {
    psa_set_key_algorithm(&attributes, PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256));
    psa_set_key_type(&attributes, PSA_KEY_TYPE_RSA_PUBLIC_KEY);
  } else {
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
  }
  return psa_crypto_init() == PSA_SUCCESS && psa_import_key(&attributes, key->bytes, key->length, id) == PSA_SUCCESS;
}

/** The import checks that the point is on the curve. */
bool tbo_esp_has_point(void *context, const uint8_t point[65]) {
  const tbo_piece_t key = {point, 65};
  psa_key_id_t id;
  (void)context;
  if (!import_key(TBO_ALG_ECDSA_P256, &key, &id)) return false;
  psa_destroy_key(id);
  return true;
}

/** Reads a DER INTEGER of at most 32 bytes at the start of `from` into 32 bytes. Returns its size, or 0. */
static size_t read_integer(tbo_piece_t from, uint8_t out[P256_SIZE]) {
  if (from.length < 3 || from.bytes[0] != 0x02) return 0;
  const size_t length = from.bytes[1];
  if (length == 0 || length > P256_SIZE + 1u || length + 2u > from.length || (from.bytes[2] & 0x80) != 0) return 0;
  const bool has_zero = from.bytes[2] == 0 && length > 1;
  if (has_zero && (from.bytes[3] & 0x80) == 0) return 0; // DER has no leading zero that is not needed
  const size_t size = length - (has_zero ? 1u : 0u);
  if (size > P256_SIZE) return 0;
  memset(out, 0, P256_SIZE - size);
  memcpy(out + P256_SIZE - size, from.bytes + 2 + (has_zero ? 1 : 0), size);
  return length + 2u;
}

/** Converts an ECDSA signature from DER to the form of PSA: both integers, 32 bytes each. */
static bool to_raw(tbo_piece_t der, uint8_t raw[2 * P256_SIZE]) {
  if (der.length < 2 || der.bytes[0] != 0x30 || der.bytes[1] != der.length - 2u) return false;
  const tbo_piece_t first = {der.bytes + 2, der.length - 2u};
  const size_t used = read_integer(first, raw);
  if (used == 0) return false;
  const tbo_piece_t second = {first.bytes + used, first.length - used};
  return read_integer(second, raw + P256_SIZE) == second.length && second.length > 0;
}

bool tbo_esp_verify(const tbo_verify_t *question) {
  const bool is_rsa = question->algorithm == TBO_ALG_RSA_PKCS1V15;
  const psa_algorithm_t algorithm = is_rsa ? PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256) : PSA_ALG_ECDSA(PSA_ALG_SHA_256);
  uint8_t raw[2 * P256_SIZE];
  tbo_piece_t signature = question->signature;
  psa_key_id_t id;
  if (!is_rsa) {
    if (!to_raw(question->signature, raw)) return false;
    signature = (tbo_piece_t){raw, sizeof raw};
  }
  if (!import_key(question->algorithm, &question->key, &id)) return false;
  const psa_status_t status = psa_verify_hash(id, algorithm, question->digest, 32, signature.bytes, signature.length);
  psa_destroy_key(id);
  return status == PSA_SUCCESS;
}

#else

#include "mbedtls/pk.h"

bool tbo_esp_sha256_begin(tbo_esp_sha256_t *hash) {
  mbedtls_sha256_init(hash);
  return mbedtls_sha256_starts(hash, 0) == 0;
}

bool tbo_esp_sha256_update(tbo_esp_sha256_t *hash, const uint8_t *bytes, size_t length) {
  return mbedtls_sha256_update(hash, bytes, length) == 0;
}

bool tbo_esp_sha256_copy(const tbo_esp_sha256_t *from, tbo_esp_sha256_t *to) {
  mbedtls_sha256_init(to);
  mbedtls_sha256_clone(to, from);
  return true;
}

bool tbo_esp_sha256_end(tbo_esp_sha256_t *hash, uint8_t digest[32]) {
  const int result = mbedtls_sha256_finish(hash, digest);
  mbedtls_sha256_free(hash);
  return result == 0;
}

void tbo_esp_sha256_abort(tbo_esp_sha256_t *hash) {
  mbedtls_sha256_free(hash);
}

bool tbo_esp_has_point(void *context, const uint8_t point[65]) {
  return tbo_p256_has_point(context, point);
}

/** Parses a key. The caller frees `key`, also after a failure. */
static bool parse_key(mbedtls_pk_context *key, tbo_algorithm_t algorithm, const tbo_piece_t *spki) {
  mbedtls_pk_init(key);
  if (mbedtls_pk_parse_public_key(key, spki->bytes, spki->length) != 0) return false;
  return mbedtls_pk_can_do(key, algorithm == TBO_ALG_RSA_PKCS1V15 ? MBEDTLS_PK_RSA : MBEDTLS_PK_ECDSA) == 1;
}

bool tbo_esp_verify(const tbo_verify_t *question) {
  const tbo_piece_t signature = question->signature;
  mbedtls_pk_context key;
  const bool is_valid =
      parse_key(&key, question->algorithm, &question->spki) &&
      mbedtls_pk_verify(&key, MBEDTLS_MD_SHA256, question->digest, 32, signature.bytes, signature.length) == 0;
  mbedtls_pk_free(&key);
  return is_valid;
}

#endif

void tbo_esp_sha256(void *context, const uint8_t *head, size_t head_length, const uint8_t *body, size_t body_length,
                    uint8_t digest[32]) {
  tbo_esp_sha256_t hash;
  (void)context;
  bool is_ok = tbo_esp_sha256_begin(&hash) && (head_length == 0 || tbo_esp_sha256_update(&hash, head, head_length)) &&
               (body_length == 0 || tbo_esp_sha256_update(&hash, body, body_length));
  if (is_ok) is_ok = tbo_esp_sha256_end(&hash, digest);
  else tbo_esp_sha256_abort(&hash);
  if (!is_ok) memset(digest, 0, 32); // no message has this digest, so a failure refuses what is hashed
}
