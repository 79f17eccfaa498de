import type { ReceiverTiming } from "../messages/timing.ts";
import type { SignatureAlgorithm } from "../signing/public-key.ts";
import type { TrustedKeys } from "../signing/trusted-keys.ts";

/** Identity and trust of a device from its provisioning. */
export interface ReceiverOptions {
  readonly device: string;
  readonly topicRoot: string;
  readonly product: string;
  /** Chip id of ESP-IDF's image header. */
  readonly chipId: number;
  /** Accept offers unverified. Applies only to a device without a key set. */
  readonly allowUnsigned: boolean;
  /** Key set that the device was provisioned with. A later one in its flash takes precedence. */
  readonly keySet?: TrustedKeys | undefined;
  /**
   * Signature algorithms that the device can verify.
   *
   * @defaultValue ECDSA P-256 and RSA
   */
  readonly algorithms?: readonly SignatureAlgorithm[] | undefined;
  /** Returns a number from 0 (inclusive) to 1 (exclusive), to spread the requests of many devices. */
  readonly random: () => number;
  readonly timing?: Partial<ReceiverTiming> | undefined;
  /**
   * Chunks that the device can buffer before it asks again; 0 means no limit.
   *
   * @defaultValue 0
   */
  readonly window?: number | undefined;
  /**
   * Returns the SHA-256 of a chunk, 32 bytes.
   *
   * @defaultValue that of the platform
   */
  readonly sha256?: ((bytes: Uint8Array) => Uint8Array) | undefined;
}
