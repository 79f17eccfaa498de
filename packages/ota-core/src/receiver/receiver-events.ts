import type { SignedKind } from "../messages/envelope.ts";
import type { Immutable } from "../messages/json-message.ts";
import type { KeySet } from "../schemas/types.generated.ts";
import type { SignatureAlgorithm } from "../signing/public-key.ts";
import type { ReceiverRecord } from "./receiver-record.ts";

/** The image that runs now, as the device reads it from its own flash at boot. */
export interface RunningImage {
  /** Version of the app descriptor. */
  readonly version: string;
  /** Project name of the app descriptor. */
  readonly projectName: string;
  /** Earliest time of its build, ISO 8601 in UTC, see `earliestBuildTime`; absent if its descriptor states no time. */
  readonly builtAt?: string;
  /** Label of the partition it runs from, for example `ota_0`. */
  readonly slot: string;
  /** SHA-256 of the image as ESP-IDF measures it, signature sector included: 64 hex digits. */
  readonly sha256: string;
  /** Its otadata entry awaits confirmation (`ESP_OTA_IMG_PENDING_VERIFY`). */
  readonly pendingVerify: boolean;
}

/** The partition that the next image goes to. */
export interface TargetSlot {
  /** Label of the partition, for example `ota_1`. */
  readonly slot: string;
  /** Bytes it holds. */
  readonly sizeBytes: number;
  /** Its otadata entry says that its image failed (`ESP_OTA_IMG_ABORTED` or `ESP_OTA_IMG_INVALID`). */
  readonly condemned: boolean;
}

/** State of the way to the broker: `up` if the network works and the broker has not accepted or refused the device. */
export type NetworkStatus = "up" | "broker-refused" | "down";

/** When to do something that no message triggers. */
export type ReceiverTimer =
  /** Time to request chunks: first within the offer's spread, then again if no useful message arrived. */
  | "request"
  /** When an image on probation has had its time, and is rolled back. */
  | "probation"
  /** When to decide again whether a verified image may be set to boot. */
  | "install"
  /** When a progress report that was held back may go out. */
  | "report"
  /** Time to ask the broker again for retained messages, because a message could not be verified. */
  | "verify";

/** An image in flash that passed `esp_image_verify`, as its header and app descriptor describe it. */
export interface StoredImage {
  /** SHA-256 up to where the image ends by itself, its signature sector included: 64 hexadecimal digits. */
  readonly sha256: string;
  readonly chipId: number;
  readonly secureVersion: number;
  readonly projectName: string;
}

/** What `esp_image_verify` refused. */
export interface RefusedImage {
  readonly espErr: number;
}

/** A flash operation that a {@link ReceiverAction} asked for. One is under way at a time. */
export type FlashOperation =
  | "read-flash"
  | "erase-sector"
  | "program"
  | "verify-image"
  | "invalidate-otadata"
  | "set-boot-partition"
  | "mark-valid"
  | "roll-back";

/** Result of a flash operation. */
export type FlashResult =
  | { readonly operation: "read-flash"; readonly bytes: Uint8Array }
  /** `sha256` is 64 lower-case hexadecimal digits. */
  | { readonly operation: "erase-sector" }
  | { readonly operation: "program" }
  /** One pass over the image. The flash could be read; what was read may be anything. */
  | {
      readonly operation: "verify-image";
      /** SHA-256 of the bytes that the action named, 64 hexadecimal digits. */
      readonly storedSha256: string;
      readonly image: StoredImage | RefusedImage;
    }
  | { readonly operation: "invalidate-otadata" }
  | { readonly operation: "set-boot-partition" }
  | { readonly operation: "mark-valid" };

/**
 * What can happen to a device. `now` is in milliseconds on a clock that never goes back. Bytes belong to the machine once
 * they are handed in: they must not change any more.
 */
export type ReceiverEvent =
  /** The application started. Always the first event. */
  | {
      readonly type: "booted";
      readonly now: number;
      readonly running: RunningImage;
      readonly target: TargetSlot | undefined;
      /** What was last stored; `undefined` on a device that never stored anything, or lost it. */
      readonly record: ReceiverRecord | undefined;
      /** The key set that was last stored; absent on a device that never stored one. */
      readonly keySet?: Immutable<KeySet> | undefined;
      readonly bootCount: number;
      /** The last reset was asked for by software; after any other, cells may have been cut off in the middle. */
      readonly cleanReset: boolean;
      /** New images start on the bootloader's probation: bootloader and app were both built with rollback. */
      readonly rollback: boolean;
      /** The lowest secure version that the eFuse still lets boot. */
      readonly secureVersion: number;
    }
  /** The broker accepted the connection, which has no subscriptions yet. */
  | { readonly type: "connected"; readonly now: number }
  | { readonly type: "disconnected"; readonly now: number }
  /** Milliseconds of UTC since 1970; `undefined` if the device does not know the time, as after a boot. */
  | { readonly type: "clock"; readonly now: number; readonly utc: number | undefined }
  /** What keeps the device from the broker, or kept it. Names the cause if a probation fails; `down` ends it earlier. */
  | { readonly type: "network"; readonly now: number; readonly status: NetworkStatus }
  /** Whether the application allows a restart for an update. Allowed at the start and after each reset. */
  | { readonly type: "may-reboot"; readonly now: number; readonly allowed: boolean }
  /** An offer envelope arrived on the product's or the device's own topic. `retained` is the RETAIN flag of its PUBLISH. */
  | { readonly type: "offer"; readonly now: number; readonly payload: Uint8Array; readonly retained: boolean }
  /** A key set envelope arrived. `retained` is the RETAIN flag of its PUBLISH. */
  | { readonly type: "key-set"; readonly now: number; readonly payload: Uint8Array; readonly retained: boolean }
  /** A hash list arrived. `image` is the topic's. */
  | { readonly type: "hashes"; readonly now: number; readonly image: string; readonly payload: Uint8Array }
  | { readonly type: "chunk"; readonly now: number; readonly payload: Uint8Array }
  | { readonly type: "timer"; readonly now: number; readonly timer: ReceiverTimer }
  | { readonly type: "flash-done"; readonly now: number; readonly result: FlashResult }
  /** Answer to the `verify` action: the signature is valid for this key, algorithm and document. */
  | { readonly type: "verified"; readonly now: number; readonly valid: boolean }
  | { readonly type: "flash-failed"; readonly now: number; readonly operation: FlashOperation; readonly espErr: number }
  /** The application's own check of an image on probation ended. */
  | { readonly type: "self-test"; readonly now: number; readonly passed: boolean }
  /** Give up the offer at hand; the running image stays. */
  | { readonly type: "cancel"; readonly now: number };

/** What each part of a receiver gets beside an event. */
export interface ReceiverContext {
  /** Time of the event, in whole milliseconds. */
  readonly now: number;
  readonly isConnected: boolean;
}

/** What the machine wants done, in order. Offsets are in bytes from the start of the target slot. */
export type ReceiverAction =
  | {
      readonly type: "publish";
      readonly topic: string;
      readonly payload: Uint8Array;
      readonly qos: 0 | 1;
      readonly retain: boolean;
    }
  | { readonly type: "subscribe"; readonly topic: string }
  | { readonly type: "unsubscribe"; readonly topic: string }
  | { readonly type: "set-timer"; readonly timer: ReceiverTimer; readonly at: number }
  | { readonly type: "clear-timer"; readonly timer: ReceiverTimer }
  /**
   * Verify a signature over `tinybms-ota/<kind>/v1`, a zero byte and `payload`. Answered by `verified`. One is under way
   * at a time, beside a flash operation.
   */
  | {
      readonly type: "verify";
      readonly algorithm: SignatureAlgorithm;
      /** DER SubjectPublicKeyInfo of the key. */
      readonly spki: Uint8Array;
      readonly kind: SignedKind;
      readonly payload: Uint8Array;
      readonly signature: Uint8Array;
    }
  /** Read so many bytes of the target slot. Answered by `flash-done` or `flash-failed`, as every flash operation. */
  | { readonly type: "read-flash"; readonly offset: number; readonly length: number }
  /** Erase the 4 KiB sector at `offset`. */
  | { readonly type: "erase-sector"; readonly offset: number }
  | { readonly type: "program"; readonly offset: number; readonly bytes: Uint8Array }
  /** Read the image in the target slot once: hash its first `length` bytes, and check it as `esp_image_verify` does. */
  | { readonly type: "verify-image"; readonly length: number }
  /** `esp_ota_invalidate_inactive_ota_data_slot`: the old verdict on the target slot must not be taken for a new one. */
  | { readonly type: "invalidate-otadata" }
  /** `esp_ota_set_boot_partition` of the target slot, which reads the image once more. */
  | { readonly type: "set-boot-partition" }
  /** `esp_ota_mark_app_valid_cancel_rollback`. */
  | { readonly type: "mark-valid" }
  /** `esp_ota_mark_app_invalid_rollback_and_reboot`: answered, by `flash-failed`, only where no rollback is possible. */
  | { readonly type: "roll-back" }
  /** Set the connection's will again from `report(false)`, which requires a new connection. An adapter may delay it. */
  | { readonly type: "renew-will" }
  /** Restart, once what was published has left. */
  | { readonly type: "reboot" }
  /** Write the record to NVS, before any later action of the list. */
  | { readonly type: "store"; readonly record: ReceiverRecord }
  /** Write the key set to NVS, in place of the one before, before any later action of the list. */
  | { readonly type: "store-key-set"; readonly keySet: Immutable<KeySet> };

/** Why something that arrived was dropped. */
export type DropReason =
  | "malformed"
  | "not-for-us"
  | "stale-offer"
  | "untrusted"
  | "too-many"
  | "not-downloading"
  | "other-image"
  | "out-of-range"
  | "duplicate"
  | "early"
  | "busy"
  | "hash-mismatch"
  | "unsupported";

/** Counters of a receiver since boot. */
export interface ReceiverStats {
  readonly chunksReceived: number;
  readonly chunksUseful: number;
  readonly requests: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
}
