import type { ChipName, OtadataEntry, PartitionEntry, SignatureScheme } from "@tinybms/ota-core/esp";
import type { PartitionRange, VerifiedImage } from "./image-verification.ts";

/** What the bootloader can start: an OTA slot by its number, or one of the two others. */
export type BootSlot = number | "factory" | "test";

/** Why the bootloader rewrote an otadata entry. */
export type RewriteReason =
  /** It was started once and not confirmed: PENDING_VERIFY becomes ABORTED. */
  | "not-confirmed"
  /** It is started for the first time: NEW becomes PENDING_VERIFY. */
  | "first-start"
  /** Neither entry ever counted and there is no factory app: the slot that booted becomes VALID. */
  | "initial-contents";

/** Why a slot was chosen to be tried first. */
export type SelectReason =
  | "active-entry"
  | "no-otadata"
  /** No entry counts, or there are no OTA slots: factory, or ota_0 without it. */
  | "default"
  /** An entry is neither blank nor given up, and none counts. */
  | "otadata-invalid"
  /** With anti-rollback: neither entry was ever written. */
  | "initial-contents"
  | "test-pin";

/** Why the bootloader resets instead of starting an app. The next start is the same again. */
export type ResetReason =
  | "partition-table-invalid"
  | "otadata-too-small"
  | "otadata-beyond-flash"
  | "no-bootable-app"
  | "no-test-app"
  | "test-app-not-bootable"
  /** Anti-rollback, an entry that counts, and no OTA slot: the bootloader divides by zero. */
  | "divide-by-zero";

/** One thing the bootloader did or found, in order. */
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
      /** That of the eFuse, where anti-rollback asks for it. */
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
      /** The flash refused to erase or program; what the sector holds now is not known. */
      readonly type: "entry-write-failed";
      readonly sector: 0 | 1;
      readonly err: number;
    }
  | {
      readonly type: "fast-boot";
      /** The app of RTC memory; `undefined` where there is none or it does not load. */
      readonly loaded: PartitionRange | undefined;
    }
  | { readonly type: "selected"; readonly slot: BootSlot; readonly reason: SelectReason; readonly entry?: 0 | 1 }
  | { readonly type: "factory-reset"; readonly erased: readonly string[] }
  | {
      readonly type: "slot-rejected";
      readonly slot: BootSlot;
      readonly partition: PartitionEntry;
      /** What `bootloader_load_image` returned, or `undefined` where anti-rollback refused the slot before. */
      readonly err: number | undefined;
      readonly reason: string;
      /** Of a signature that is not right: whether the image's own hash is not right either. */
      readonly isCorrupt?: boolean;
    }
  | {
      readonly type: "slot-loaded";
      readonly slot: BootSlot;
      /** Whether the slot is another than the one selected. */
      readonly fallback: boolean;
      readonly partition: PartitionEntry;
      readonly image: VerifiedImage;
      /** By which scheme its signature was verified; none without secure boot. */
      readonly signedBy?: SignatureScheme;
    }
  | { readonly type: "secure-version-burned"; readonly from: number; readonly to: number }
  | { readonly type: "reset"; readonly reason: ResetReason };
