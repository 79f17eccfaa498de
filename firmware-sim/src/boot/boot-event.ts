import type { ChipName, OtadataEntry, PartitionEntry, SignatureScheme } from "@tinybms/ota-core/esp";
import type { PartitionRange, VerifiedImage } from "./image-verification.ts";

/** A slot that the bootloader can start: the number of an OTA slot, or one of the two others. */
export type BootSlot = number | "factory" | "test";

/** Reason for which the bootloader rewrote an otadata entry. */
export type RewriteReason =
  /** The image was started once and not confirmed: PENDING_VERIFY becomes ABORTED. */
  | "not-confirmed"
  /** The image starts for the first time: NEW becomes PENDING_VERIFY. */
  | "first-start"
  /** No entry was ever valid and there is no factory app: the slot that booted becomes VALID. */
  | "initial-contents";

/** Reason for which a slot is tried first. */
export type SelectReason =
  | "active-entry"
  | "no-otadata"
  /** No entry is valid, or there are no OTA slots: factory, or ota_0 without it. */
  | "default"
  /** An entry is neither blank nor aborted, but none is valid. */
  | "otadata-invalid"
  /** With anti-rollback: no entry was ever written. */
  | "initial-contents"
  | "test-pin";

/** Reason for which the bootloader resets instead of starting an app. The next start fails the same way. */
export type ResetReason =
  | "partition-table-invalid"
  | "otadata-too-small"
  | "otadata-beyond-flash"
  | "no-bootable-app"
  | "no-test-app"
  | "test-app-not-bootable"
  /** With anti-rollback, a valid entry and no OTA slot, the bootloader divides by zero. */
  | "divide-by-zero";

/** An event during a run of the bootloader, in order. */
export type BootEvent =
  | {
      readonly type: "started";
      readonly chip: ChipName;
      /** Wafer revision, major × 100 + minor. */
      readonly chipRevision: number;
      readonly flashSizeBytes: number;
    }
  | { readonly type: "table-loaded"; readonly entries: readonly PartitionEntry[] }
  | { readonly type: "table-rejected"; readonly err: number; readonly reason: string }
  | {
      readonly type: "otadata-read";
      readonly entries: readonly [OtadataEntry, OtadataEntry];
      /** Secure version in the eFuses, with anti-rollback. */
      readonly secureVersion?: number;
    }
  | { readonly type: "otadata-rejected"; readonly reason: string }
  | {
      readonly type: "entry-rewritten";
      readonly sector: 0 | 1;
      readonly reason: RewriteReason;
      readonly sequence: number;
      readonly state: number;
    }
  | {
      /** The flash failed to erase or program. The content of the sector is unknown. */
      readonly type: "entry-write-failed";
      readonly sector: 0 | 1;
      readonly err: number;
    }
  | {
      readonly type: "fast-boot";
      /** The app in RTC memory; `undefined` if there is none or it does not load. */
      readonly loaded: PartitionRange | undefined;
    }
  | { readonly type: "selected"; readonly slot: BootSlot; readonly reason: SelectReason; readonly entry?: 0 | 1 }
  | { readonly type: "factory-reset"; readonly erased: readonly string[] }
  | {
      readonly type: "slot-rejected";
      readonly slot: BootSlot;
      readonly partition: PartitionEntry;
      /** Result of `bootloader_load_image`; `undefined` if anti-rollback rejected the slot before. */
      readonly err: number | undefined;
      readonly reason: string;
      /** With an invalid signature: whether the image's own hash is wrong too. */
      readonly isCorrupt?: boolean;
    }
  | {
      readonly type: "slot-loaded";
      readonly slot: BootSlot;
      /** Whether this slot is not the one selected. */
      readonly fallback: boolean;
      readonly partition: PartitionEntry;
      readonly image: VerifiedImage;
      /** Scheme by which its signature was verified; absent without secure boot. */
      readonly signedBy?: SignatureScheme;
    }
  | { readonly type: "secure-version-burned"; readonly from: number; readonly to: number }
  | { readonly type: "reset"; readonly reason: ResetReason };
