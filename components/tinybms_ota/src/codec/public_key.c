// SPDX-License-Identifier: MIT
#include "public_key.h"

#include <stdbool.h>
#include <string.h>

/* ---- DER (X.690 section 10) ---- */

enum { TAG_INTEGER = 0x02, TAG_BIT_STRING = 0x03, TAG_NULL = 0x05, TAG_OBJECT_ID = 0x06, TAG_SEQUENCE = 0x30 };

/** Some bytes of DER. */
typedef struct {
  const uint8_t *bytes;
  size_t length;
} der_t;

/**
 * Takes the first element of some DER, with its length in the shortest form and below 64 KiB.
 *
 * @param rest    Moves behind the element.
 * @param content Receives the element's content.
 */
static bool take(der_t *rest, uint8_t tag, der_t *content) {
  if (rest->length < 2 || rest->bytes[0] != tag) return false;
  size_t length = rest->bytes[1];
  size_t header = 2;
  if (length >= 0x80) {
    size_t count = length - 0x80;
    if (count == 0 || count > 2 || rest->length < 2 + count) return false;
    length = count == 1 ? rest->bytes[2] : (size_t)rest->bytes[2] << 8 | rest->bytes[3];
    if (length < (count == 1 ? 0x80u : 0x100u)) return false;
    header += count;
  }
  if (rest->length - header < length) return false;
  *content = (der_t){rest->bytes + header, length};
  *rest = (der_t){rest->bytes + header + length, rest->length - header - length};
  return true;
}

/** Takes an element that must be all of some DER. */
static bool take_only(der_t all, uint8_t tag, der_t *content) { return take(&all, tag, content) && all.length == 0; }

/** Takes a positive integer in its shortest form, without its sign byte. */
static bool take_positive(der_t *rest, der_t *integer) {
  if (!take(rest, TAG_INTEGER, integer) || integer->length == 0 || integer->bytes[0] >= 0x80) return false;
  if (integer->bytes[0] != 0) return true;
  if (integer->length < 2 || integer->bytes[1] < 0x80) return false;
  *integer = (der_t){integer->bytes + 1, integer->length - 1};
  return true;
}

static bool equals(der_t der, const uint8_t *bytes, size_t length) {
  return der.length == length && memcmp(der.bytes, bytes, length) == 0;
}

/* ---- Keys ---- */

static tbo_key_verdict_t check_p256(const tbo_port_t *port, der_t parameters, der_t point) {
  static const uint8_t prime256v1[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
  der_t curve;
  if (!take_only(parameters, TAG_OBJECT_ID, &curve)) return TBO_KEY_UNSUPPORTED;
  if (!equals(curve, prime256v1, sizeof prime256v1)) return TBO_KEY_UNSUPPORTED;
  bool is_compressed = point.length == 33 && (point.bytes[0] == 2 || point.bytes[0] == 3);
  if (is_compressed) return TBO_KEY_UNSUPPORTED;
  if (point.length != 65 || point.bytes[0] != 4) return TBO_KEY_MALFORMED;
  return port->has_point(port->context, point.bytes) ? TBO_KEY_OK : TBO_KEY_MALFORMED;
}

static tbo_key_verdict_t check_rsa(der_t parameters, der_t key) {
  static const uint8_t exponent_65537[] = {0x01, 0x00, 0x01};
  der_t nothing;
  der_t pair;
  der_t modulus;
  der_t exponent;
  if (!take_only(parameters, TAG_NULL, &nothing) || nothing.length != 0) return TBO_KEY_MALFORMED;
  if (!take_only(key, TAG_SEQUENCE, &pair) || !take_positive(&pair, &modulus)) return TBO_KEY_MALFORMED;
  if (!take_positive(&pair, &exponent) || pair.length != 0) return TBO_KEY_MALFORMED;
  size_t bits = 8 * modulus.length;
  for (unsigned mask = 0x80; mask > 1 && (modulus.bytes[0] & mask) == 0; mask >>= 1) bits--;
  if (bits < 2048 || bits > 4096 || !equals(exponent, exponent_65537, sizeof exponent_65537)) return TBO_KEY_UNSUPPORTED;
  return (modulus.bytes[modulus.length - 1] & 1) != 0 ? TBO_KEY_OK : TBO_KEY_MALFORMED;
}

tbo_key_verdict_t tbo_public_key_check(const tbo_port_t *port, const uint8_t *spki, size_t length, tbo_alg_t *alg) {
  static const uint8_t rsa_encryption[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
  static const uint8_t ec_public_key[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
  static const uint8_t ed25519[] = {0x2b, 0x65, 0x70};
  der_t info;
  der_t algorithm;
  der_t type;
  der_t bits;
  if (!take_only((der_t){spki, length}, TAG_SEQUENCE, &info)) return TBO_KEY_MALFORMED;
  if (!take(&info, TAG_SEQUENCE, &algorithm) || !take(&algorithm, TAG_OBJECT_ID, &type)) return TBO_KEY_MALFORMED;
  if (!take_only(info, TAG_BIT_STRING, &bits) || bits.length == 0 || bits.bytes[0] != 0) return TBO_KEY_MALFORMED;
  der_t key = {bits.bytes + 1, bits.length - 1};
  if (equals(type, ec_public_key, sizeof ec_public_key)) {
    *alg = TBO_ALG_ECDSA_P256;
    return check_p256(port, algorithm, key);
  }
  if (equals(type, rsa_encryption, sizeof rsa_encryption)) {
    *alg = TBO_ALG_RSA_PKCS1V15;
    return check_rsa(algorithm, key);
  }
  if (!equals(type, ed25519, sizeof ed25519)) return TBO_KEY_UNSUPPORTED;
  *alg = TBO_ALG_ED25519;
  return algorithm.length == 0 && key.length == 32 ? TBO_KEY_OK : TBO_KEY_MALFORMED;
}
