// SPDX-License-Identifier: MIT
#include "machine.h"

#include "codec/words.h"

#include <string.h>

/** In the order of tbo_code_t, from 1. */
static const char CODES[] =
    "delivery/self-test-failed\0"
    "delivery/attempts-exhausted\0"
    "delivery/no-rollback\0"
    "delivery/image-mismatch\0"
    "delivery/image-rejected\0"
    "delivery/flash-failed\0"
    "offer/withdrawn\0"
    "offer/wrong-epoch\0"
    "offer/untrusted\0"
    "offer/stale\0"
    "offer/sequence-conflict\0"
    "offer/unsupported\0"
    "offer/expired\0"
    "offer/wrong-product\0"
    "offer/wrong-chip\0"
    "offer/wrong-hardware\0"
    "offer/secure-version\0"
    "offer/constraint\0"
    "offer/no-slot\0"
    "offer/too-large\0"
    "offer/wrong-project\0"
    "signing/unsigned\0"
    "signing/threshold\0"
    "signing/bad-signature\0"
    "signing/wrong-algorithm\0"
    "signing/revoked-key\0"
    "signing/wrong-role\0"
    "signing/unknown-key\0"
    "signing/key-set-epoch\0"
    "signing/key-set-product\0"
    "signing/key-malformed\0"
    "signing/key-unsupported\0"
    "signing/unsupported-algorithm\0"
    "protocol/malformed\0"
    "protocol/too-large\0"
    "delivery/broker-not-reached\0"
    "delivery/broker-refused\0"
    "delivery/network-down\0"
    "delivery/self-test-unanswered\0";

const char *tbo_code_text(tbo_code_t code) { return code == TBO_CODE_NONE ? "" : tbo_word(CODES, code - 1u); }

tbo_code_t tbo_code_of(const char *text) {
  unsigned code = TBO_CODE_NONE;
  const char *word = "";
  while (code < TBO_CODE_COUNT && strcmp(word, text) != 0) {
    word = code == TBO_CODE_NONE ? CODES : word + strlen(word) + 1;
    code++;
  }
  return (tbo_code_t)code;
}

const char *tbo_state_text(tbo_state_t state) {
  static const char texts[] =
      "idle\0waiting\0checking\0downloading\0verifying\0ready-to-reboot\0pending-verify\0confirmed\0rejected\0"
      "rolled-back\0failed\0";
  return tbo_word(texts, state);
}
