// SPDX-License-Identifier: MIT
#include "tinybms_ota.h"

const char *tbo_code_text(tbo_code_t code) {
  static const char *const texts[TBO_CODE_COUNT] = {
      "",
      "delivery/self-test-failed",
      "delivery/attempts-exhausted",
      "delivery/no-rollback",
      "delivery/image-mismatch",
      "delivery/image-rejected",
      "delivery/flash-failed",
      "offer/withdrawn",
      "offer/wrong-epoch",
      "offer/untrusted",
      "offer/stale",
      "offer/sequence-conflict",
      "offer/unsupported",
      "offer/expired",
      "offer/wrong-product",
      "offer/wrong-chip",
      "offer/wrong-hardware",
      "offer/secure-version",
      "offer/constraint",
      "offer/no-slot",
      "offer/too-large",
      "offer/wrong-project",
      "signing/unsigned",
      "signing/threshold",
      "signing/bad-signature",
      "signing/wrong-algorithm",
      "signing/revoked-key",
      "signing/wrong-role",
      "signing/unknown-key",
      "signing/key-set-epoch",
      "signing/key-set-product",
      "signing/key-malformed",
      "signing/key-unsupported",
      "signing/unsupported-algorithm",
      "protocol/malformed",
      "protocol/too-large",
      "delivery/broker-not-reached",
      "delivery/broker-refused",
      "delivery/network-down",
  };
  return code < TBO_CODE_COUNT ? texts[code] : "";
}

const char *tbo_state_text(tbo_state_t state) {
  static const char *const texts[TBO_STATE_COUNT] = {
      "idle",           "waiting",   "checking", "downloading", "verifying", "ready-to-reboot",
      "pending-verify", "confirmed", "rejected", "rolled-back", "failed",
  };
  return state < TBO_STATE_COUNT ? texts[state] : "";
}
