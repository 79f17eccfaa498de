// SPDX-License-Identifier: MIT
/**
 * Key sets: which keys a device trusts, and for what. A set is not kept parsed: the functions look keys up in the text of
 * its document, one at a time.
 */
#ifndef TBO_CODEC_KEY_SET_H
#define TBO_CODEC_KEY_SET_H

#include "algorithm.h"
#include "envelope.h"
#include "json.h"
#include "public_key.h"
#include "sha256.h"
#include "time.h"

/** Role of a key. */
typedef enum { TBO_ROLE_ROOT, TBO_ROLE_RELEASE, TBO_ROLE_OFFER, TBO_ROLE_COUNT } tbo_role_t;

/** Maximum number of keys of a role. */
#define TBO_ROLE_KEYS_MAX 8u

/** Maximum number of records of a key set. */
#define TBO_KEY_RECORDS_MAX 24u

/** Maximum number of revoked keys of a key set. */
#define TBO_REVOKED_MAX 64u

/** Maximum size of a key's SubjectPublicKeyInfo in bytes: 1 024 characters of base64. */
#define TBO_SPKI_MAX 768u

/** A parsed key set. Views hold as long as the text is unchanged. */
typedef struct {
  tbo_json_t document;
  tbo_json_t product;
  tbo_json_t revoked;
  uint32_t epoch;
  tbo_time_t issued_at;
} tbo_key_set_t;

/** One key of a key set. */
typedef struct {
  uint8_t keyid[TBO_KEYID_SIZE];
  tbo_alg_t alg;   /**< As its record states. */
  tbo_json_t spki; /**< Base64 of its SubjectPublicKeyInfo, a view of the text. */
  bool is_revoked;
} tbo_key_t;

/**
 * Parses the payload of a key set envelope. Every record stands under its key's own id; every role lists different keys
 * that have records, and at least as many as its threshold.
 *
 * @param scratch At least TBO_SPKI_MAX bytes, overwritten.
 * @return `false` if it has more than TBO_ENVELOPE_MAX bytes or is not a key set.
 */
bool tbo_key_set_parse(const char *text, size_t length, uint8_t *scratch, const tbo_port_t *port, tbo_key_set_t *set);

/**
 * Checks all public keys of a parsed key set.
 *
 * @param scratch At least TBO_SPKI_MAX bytes, overwritten.
 * @return The verdict on the first key that is not TBO_KEY_OK. A key of another algorithm than its record states is
 *   TBO_KEY_UNSUPPORTED.
 */
tbo_key_verdict_t tbo_key_set_check_keys(const tbo_key_set_t *set, uint8_t *scratch, const tbo_port_t *port);

/** Returns how many different keys of a role must sign. */
unsigned tbo_key_set_threshold(const tbo_key_set_t *set, tbo_role_t role);

/** Returns how many keys a role lists, revoked ones included. */
unsigned tbo_key_set_role_count(const tbo_key_set_t *set, tbo_role_t role);

/**
 * Looks up a key of a role.
 *
 * @param index Position in the role's list; below `tbo_key_set_role_count`.
 */
void tbo_key_set_role_key(const tbo_key_set_t *set, tbo_role_t role, unsigned index, tbo_key_t *key);

/**
 * Returns the position of a key in the list of a role.
 *
 * @return `tbo_key_set_role_count` if the role does not list it.
 */
unsigned tbo_key_set_role_position(const tbo_key_set_t *set, tbo_role_t role, const uint8_t keyid[TBO_KEYID_SIZE]);

/**
 * Looks up a key by its id.
 *
 * @return `false` if it has no record.
 */
bool tbo_key_set_find(const tbo_key_set_t *set, const uint8_t keyid[TBO_KEYID_SIZE], tbo_key_t *key);

/** Returns `true` if a key set revokes a key. */
bool tbo_key_set_revokes(const tbo_key_set_t *set, const uint8_t keyid[TBO_KEYID_SIZE]);

/**
 * Decodes the SubjectPublicKeyInfo of a key.
 *
 * @param spki At least TBO_SPKI_MAX bytes.
 * @return Its length in bytes.
 */
size_t tbo_key_spki(const tbo_key_t *key, uint8_t *spki);

/**
 * Parses the text in which a device keeps a key set in NVS: eight hexadecimal digits of CRC-32, then the document.
 *
 * @see tbo_key_set_parse for the parameters. Views point into `text`.
 * @return `false` if the check value or the document is wrong.
 */
bool tbo_key_set_restore(const char *text, size_t length, uint8_t *scratch, const tbo_port_t *port, tbo_key_set_t *set);

#endif
