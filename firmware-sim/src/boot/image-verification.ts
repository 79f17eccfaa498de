import type { AppDescriptor } from "@tinybms/ota-core/esp";
import type { IdfBehaviors } from "../idf-release/idf-release.ts";
import type { SignaturePolicy } from "./secure-boot-v2.ts";

/** Location of a partition in the flash, in bytes. */
export interface PartitionRange {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Options of image verification. */
export interface VerifyOptions {
  /** The bootloader, which also loads the image, or a running app. They differ at the end of the flash. */
  readonly environment: "bootloader" | "app";
  /** Behaviors of the verifier's ESP-IDF release. */
  readonly behaviors: IdfBehaviors;
  /** `false` skips chip, revisions, checksum and hash, as `CONFIG_BOOTLOADER_SKIP_VALIDATE_ALWAYS` does. */
  readonly validate?: boolean | undefined;
  /** `CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK`. */
  readonly antiRollback?: boolean | undefined;
  /** Accepted signatures; without it no signature is required. */
  readonly signature?: SignaturePolicy | undefined;
}

/** A segment of an image, as the boot log lists it. */
export interface ImageSegment {
  /** Offset of its data in the flash, in bytes. */
  readonly flashOffset: number;
  readonly loadAddress: number;
  readonly sizeBytes: number;
  /** `map`: mapped through the cache; `load`: copied to RAM; `none`: padding. */
  readonly use: "map" | "load" | "none";
}

/** A valid image (`esp_image_metadata_t`). */
export interface VerifiedImage {
  /** Length from the first byte to the end of checksum or hash, in bytes. A signature follows, or unread data. */
  readonly imageSizeBytes: number;
  readonly segments: readonly ImageSegment[];
  /** `undefined` for an image from other tools, which most chips boot anyway. */
  readonly descriptor: AppDescriptor | undefined;
}

/** Result of image verification. */
export type ImageVerification =
  | { readonly kind: "valid"; readonly image: VerifiedImage }
  | {
      readonly kind: "invalid";
      /** Result of `esp_image_verify`: 0x102, 0x2002, -1, or a flash error. */
      readonly err: number;
      /** Number of the failed check in the order of `image_load`; see `verifyImage`. */
      readonly step: number;
      /** ESP-IDF's log line. */
      readonly reason: string;
      /** With an invalid signature: whether the hash is wrong too. */
      readonly isCorrupt?: boolean;
    };
