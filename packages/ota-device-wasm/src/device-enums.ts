import type { DropReason, FlashOperation, NetworkStatus, ReceiverTimer } from "@tinybms/ota-core";
import type { SignatureAlgorithm, SignedKind } from "@tinybms/ota-core/signing";

/** Event types of `tbo_event_type_t`. */
export const DeviceEvent = {
  connected: 1,
  disconnected: 2,
  timer: 3,
  verified: 5,
  selfTest: 6,
  cancel: 7,
  network: 9,
  mayReboot: 10,
} as const;

/** Names of `tbo_network_t`. */
export const NETWORKS: readonly NetworkStatus[] = ["down", "up", "broker-refused"];

/** Names of `tbo_timer_t`. */
export const TIMERS: readonly ReceiverTimer[] = ["request", "probation", "report", "verify", "install"];

/** Names of `tbo_flash_t`. */
export const FLASH_OPERATIONS: readonly FlashOperation[] = [
  "read-flash",
  "erase-sector",
  "program",
  "verify-image",
  "invalidate-otadata",
  "set-boot-partition",
  "mark-valid",
  "roll-back",
];

/** Names of `tbo_drop_t`. */
export const DROP_REASONS: readonly DropReason[] = [
  "malformed",
  "not-for-us",
  "stale-offer",
  "untrusted",
  "too-many",
  "not-downloading",
  "other-image",
  "out-of-range",
  "duplicate",
  "early",
  "busy",
  "hash-mismatch",
  "unsupported",
];

/** Names of `tbo_kind_t`. */
export const KINDS: readonly SignedKind[] = ["offer", "release", "keys"];

/** Values of `tbo_algorithm_t`. */
export const ALGORITHMS: readonly (readonly [name: SignatureAlgorithm, value: number])[] = [
  ["ecdsa-p256-sha256", 1],
  ["rsa-pkcs1v15-sha256", 2],
  ["ed25519", 4],
];

/** Values of `tbo_store_t`. */
export const Store = { record: 0, keySet: 1 } as const;

/** Values of `tbo_keys_t`. */
export const Keys = { provisioned: 0, stored: 1 } as const;

/** Flags of `boot` in wasm.c. */
export const BootFlag = { pendingVerify: 1, cleanReset: 2, rollback: 4, targetCondemned: 8 } as const;
