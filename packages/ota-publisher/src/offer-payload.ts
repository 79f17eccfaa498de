import { buildOffer, type Immutable, isOtaError, type OfferDocument, sha256, toHex, topicsOf } from "@tinybms/ota-core";
import {
  buildRelease,
  type Envelope,
  parseRelease,
  type ReleasedImage,
  type ReleaseParts,
  releaseDocument,
} from "@tinybms/ota-core/signing";
import type { ImageFile } from "./image-file.ts";
import type { OfferCounter } from "./sequence.ts";

/** Devices that receive a release: every device of the product, or the named ones. */
export type DeliveryTarget = "all" | { readonly devices: readonly string[] };

/** Devices that an offer is for: those of a delivery, or a share of every device of the product. */
export type OfferTarget = DeliveryTarget | { readonly rollout: { readonly permille: number; readonly salt: string } };

/** A window of every day, as offers state it. */
export type MaintenanceWindow = NonNullable<OfferDocument["between"]>;

/** Members of an offer that say when devices restart into the image, and how long it may take to reach the broker. */
export type InstallTerms = Immutable<
  Pick<OfferDocument, "install_after" | "between" | "restart_spread_ms" | "probation_max_ms" | "critical">
>;

/** Parts of an offer besides its release. */
export interface OfferParts {
  /** Offer ID: 16 random bytes as 32 hexadecimal digits. */
  readonly id: string;
  readonly topicRoot: string;
  readonly counter: OfferCounter;
  readonly issuedAt: Date;
  readonly target: OfferTarget;
  /** Number of devices that will request the image; `undefined` if unknown. */
  readonly expectedCount: number | undefined;
  readonly install?: InstallTerms | undefined;
}

/** Spread of the devices' first requests, in milliseconds per device. */
const SPREAD_PER_DEVICE_MS = 2;

/** Spread of the devices' restarts, in milliseconds per device: a restarted device connects, subscribes and reports. */
const RESTART_SPREAD_PER_DEVICE_MS = 20;

/** Spread for a fleet of unknown size, in milliseconds: enough for about a thousand devices. */
const SPREAD_OF_UNKNOWN_MS = 2_000;

/** Largest spread that the protocol allows, in milliseconds. */
const SPREAD_MAX_MS = 3_600_000;

/** Maximum number of devices that one offer can list (`target.devices` of its schema). */
export const TARGET_DEVICES_MAX = 256;

/**
 * Encodes an offer, the payload of an envelope.
 *
 * @param release - Offered release; `null` withdraws the previous offer.
 * @throws {@link OtaError} `protocol/malformed` or `protocol/too-large` if no device would accept the offer, for
 *   example because it names more than {@link TARGET_DEVICES_MAX} devices.
 */
export function buildOfferPayload(release: Envelope | null, offer: OfferParts): Uint8Array {
  const [epoch, sequence] = offer.counter;
  return buildOffer({
    offer: 1,
    id: offer.id,
    topic_root: offer.topicRoot,
    epoch,
    sequence,
    issued_at: offer.issuedAt.toISOString(),
    release,
    chunk_encodings: ["identity"],
    target: offer.target,
    spread_ms: spreadMsOf(offer.expectedCount),
    ...restartSpreadOf(offer.expectedCount),
    ...(release === null ? {} : offer.install),
  });
}

/** Creates an unsigned release. */
export function unsignedRelease(parts: ReleaseParts): Envelope {
  return { payload: buildRelease(releaseDocument(parts)), signatures: [] };
}

/** Returns the description of an image file for a release. */
export function releasedImageOf({
  sha256: digest,
  sizeBytes,
  hashList,
  chipId,
  secureVersion,
}: ImageFile): ReleasedImage {
  return { sha256: digest, sizeBytes, hashListSha256: toHex(sha256(hashList)), chipId, secureVersion };
}

/** Returns the topics of an offer: the product's offer topic, or those of the named devices. */
export function offerTopicsOf(topicRoot: string, target: OfferTarget): readonly string[] {
  const topics = topicsOf(topicRoot);
  if (target === "all" || "rollout" in target) return [topics.offer];
  return target.devices.map((device) => topics.deviceOffer(device));
}

/** Returns the version of an offer's release; `undefined` for a withdrawal and for an unreadable release. */
export function releaseVersionOf({ release }: OfferDocument): string | undefined {
  try {
    return release === null ? undefined : parseRelease(release.payload).version;
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}

/**
 * Returns the time over which devices spread their first requests, in milliseconds. A single device needs none.
 *
 * @param expectedCount - Number of devices that will request the image; `undefined` if unknown.
 */
export function spreadMsOf(expectedCount: number | undefined): number {
  if (expectedCount === undefined) return SPREAD_OF_UNKNOWN_MS;
  return expectedCount <= 1 ? 0 : Math.min(SPREAD_PER_DEVICE_MS * expectedCount, SPREAD_MAX_MS);
}

/** Returns the time over which devices spread their restarts, as a member of an offer. A single device needs none. */
function restartSpreadOf(expectedCount: number = 0): Pick<OfferDocument, "restart_spread_ms"> {
  if (expectedCount <= 1) return {};
  return { restart_spread_ms: Math.min(RESTART_SPREAD_PER_DEVICE_MS * expectedCount, SPREAD_MAX_MS) };
}
