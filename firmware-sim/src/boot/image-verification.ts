import type { AppDescriptor } from "@tinybms/ota-core/esp";
import type { IdfBehaviors } from "../idf-release/idf-release.ts";
import type { SignaturePolicy } from "./secure-boot-v2.ts";

/** Where a partition lies, in bytes of the flash. */
export interface PartitionRange {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** How an image is verified: by whom, and with which build options. */
export interface VerifyOptions {
  /** The bootloader, which loads the image as well, or a running app. They differ at the end of the flash. */
  readonly environment: "bootloader" | "app";
  /** What the ESP-IDF release does that verifies. */
  readonly behaviors: IdfBehaviors;
  /** False as with `CONFIG_BOOTLOADER_SKIP_VALIDATE_ALWAYS`: chip, revisions, checksum and hash are not looked at. */
  readonly validate?: boolean;
  /** `CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK`. */
  readonly antiRollback?: boolean;
  /** Signatures are asked for, and which count; not asked for without it. */
  readonly signature?: SignaturePolicy;
}

/** A segment of an image, as the boot log lists them. */
export interface ImageSegment {
  /** Where its data lies, in bytes of the flash. */
  readonly flashOffset: number;
  readonly loadAddress: number;
  readonly sizeBytes: number;
  /** `map`: read through the cache; `load`: copied to RAM; `none`: padding. */
  readonly use: "map" | "load" | "none";
}

/** An image that passed (`esp_image_metadata_t`). */
export interface VerifiedImage {
  /** Length from its first byte to the end of its checksum or hash. What follows is a signature, or never looked at. */
  readonly imageSizeBytes: number;
  readonly segments: readonly ImageSegment[];
  /** `undefined` in an image from other tools, which most chips boot all the same. */
  readonly descriptor: AppDescriptor | undefined;
}

/** What came of verifying an image. */
export type ImageVerification =
  | { readonly kind: "valid"; readonly image: VerifiedImage }
  | {
      readonly kind: "invalid";
      /** What `esp_image_verify` returns: 0x102, 0x2002, -1, or a flash error. */
      readonly err: number;
      /** The number of the check in the order of `image_load`; see `verifyImage`. */
      readonly step: number;
      /** ESP-IDF's log line. */
      readonly reason: string;
      /** Where the signature is not right: whether the hash is not right either. */
      readonly isCorrupt?: boolean;
    };
