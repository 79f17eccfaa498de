import { buildOffer, isOtaError, type OfferDocument, sha256, toHex, topicsOf } from "@tinybms/ota-core";
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

/** Who is to install a release: every device of the product, or the named ones. */
export type DeliveryTarget = "all" | { readonly devices: readonly string[] };

/** Who gets a release when. */
export interface OfferParts {
  /** 32 hexadecimal digits, of 16 random bytes. */
  readonly id: string;
  readonly topicRoot: string;
  readonly counter: OfferCounter;
  readonly issuedAt: Date;
  readonly target: DeliveryTarget;
  /** How many devices will ask for the image; `undefined` if nobody knows. */
  readonly expectedCount: number | undefined;
}

/** How far apart devices' first requests are kept, in milliseconds per device. */
const SPREAD_PER_DEVICE_MS = 2;

/** The spread for a fleet of unknown size: about a thousand devices. */
const SPREAD_OF_UNKNOWN_MS = 2_000;

/** The largest spread that the protocol knows, in milliseconds. */
const SPREAD_MAX_MS = 3_600_000;

/** Maximum number of named devices of a delivery: as many as one offer can list (`target.devices` of its schema). */
export const TARGET_DEVICES_MAX = 256;

/**
 * The offer of a release, to be put into an envelope.
 *
 * @param release - What is offered; `null` withdraws what was offered before.
 * @throws OtaError `protocol/malformed` or `protocol/too-large` where no device would take it, for example because more
 *   than {@link TARGET_DEVICES_MAX} devices are named.
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
    target: offer.target === "all" ? "all" : { devices: offer.target.devices },
    spread_ms: spreadMs(offer.expectedCount),
  });
}

/** A release that nobody has signed. */
export function unsignedRelease(parts: ReleaseParts): Envelope {
  return { payload: buildRelease(releaseDocument(parts)), signatures: [] };
}

/** What a release says of an image file. */
export function releasedImageOf({
  sha256: digest,
  sizeBytes,
  hashList,
  chipId,
  secureVersion,
}: ImageFile): ReleasedImage {
  return { sha256: digest, sizeBytes, hashListSha256: toHex(sha256(hashList)), chipId, secureVersion };
}

/** The topics on which an offer is published: the product's, or the own ones of the devices that it is for. */
export function offerTopicsOf(topicRoot: string, target: DeliveryTarget): readonly string[] {
  const topics = topicsOf(topicRoot);
  return target === "all" ? [topics.offer] : target.devices.map((device) => topics.deviceOffer(device));
}

/** Version of what is offered; `undefined` for a withdrawal, and for what no device could read. */
export function releaseVersionOf({ release }: OfferDocument): string | undefined {
  try {
    return release === null ? undefined : parseRelease(release.payload).version;
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}

/** One device has nobody to keep apart from. */
function spreadMs(expectedCount: number | undefined): number {
  if (expectedCount === undefined) return SPREAD_OF_UNKNOWN_MS;
  return expectedCount <= 1 ? 0 : Math.min(SPREAD_PER_DEVICE_MS * expectedCount, SPREAD_MAX_MS);
}
