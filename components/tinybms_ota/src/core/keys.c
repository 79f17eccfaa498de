// SPDX-License-Identifier: MIT
#include "machine.h"

#include "codec/crc32.h"

#include <string.h>

static void trust(tbo_t *tbo, const tbo_key_set_t *set, tbo_keys_t source) {
  tbo->keys_epoch = set->epoch;
  tbo->keys_source = (uint8_t)source;
  tbo->is_locked = false;
  tbo->keys_issued_at = set->issued_at;
}

static bool is_of_product(const tbo_t *tbo, const tbo_key_set_t *set) {
  return tbo_json_equals(set->product, tbo->config.product, strlen(tbo->config.product));
}

const char *tbo_keys_init(tbo_t *tbo) {
  tbo_key_set_t set;
  size_t length = 0;
  if (tbo->port->lend_keys(tbo->port->context, TBO_KEYS_PROVISIONED, &length) == NULL) return NULL;
  if (!tbo_keys_open(tbo, TBO_KEYS_PROVISIONED, &set)) return "the provisioned key set is malformed";
  if (!is_of_product(tbo, &set)) return "the provisioned key set is of another product";
  if (tbo_keys_problem(tbo, &set) != TBO_CODE_NONE) return "the device can't use the provisioned key set";
  trust(tbo, &set, TBO_KEYS_PROVISIONED);
  return NULL;
}

/** Writes the provisioned key set to NVS. */
static void store_provisioned(tbo_t *tbo) {
  size_t length = 0;
  const char *text = tbo->port->lend_keys(tbo->port->context, TBO_KEYS_PROVISIONED, &length);
  if (text == NULL || length > TBO_ENVELOPE_MAX) return;
  memcpy(tbo->message + 8, text, length);
  tbo_store_keys(tbo, (char *)tbo->message + 8, length);
}

void tbo_keys_resume(tbo_t *tbo) {
  tbo_key_set_t set;
  bool has_provisioned = tbo->keys_epoch != 0;
  if (!tbo_keys_open(tbo, TBO_KEYS_STORED, &set) || (has_provisioned && !is_of_product(tbo, &set))) {
    if (has_provisioned) store_provisioned(tbo);
    return;
  }
  if (has_provisioned && set.epoch <= tbo->keys_epoch) {
    if (set.epoch < tbo->keys_epoch) store_provisioned(tbo);
    return;
  }
  if (is_of_product(tbo, &set) && tbo_keys_problem(tbo, &set) == TBO_CODE_NONE) {
    trust(tbo, &set, TBO_KEYS_STORED);
    return;
  }
  // Stored by a later firmware: what it demands can't be known.
  tbo->keys_epoch = 0;
  tbo->is_locked = true;
}

void tbo_keys_take(tbo_t *tbo, const tbo_key_set_t *set) {
  trust(tbo, set, TBO_KEYS_STORED);
  tbo_forget_key_sets(tbo);
}

void tbo_store_keys(tbo_t *tbo, char *text, size_t length) {
  static const char digits[] = "0123456789abcdef";
  uint32_t check = tbo_crc32(text, length);
  char *start = text - 8;
  for (unsigned at = 0; at < 8; at++) start[at] = digits[check >> (28 - 4 * at) & 15u];
  tbo->port->store(tbo->port->context, TBO_STORE_KEY_SET, start, length + 8);
}
