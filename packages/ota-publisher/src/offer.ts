import { buildEnvelope, buildOffer, buildRelease, CHUNK_SIZE, sha256, toHex, topicsOf } from "@tinybms/ota-core";
import type { ImageFile } from "./image-file.ts";
import type { OfferCounter } from "./sequence.ts";

/** Who is to install a release: every device of the product, or the named ones. */
export type DeliveryTarget = "all" | { readonly devices: readonly string[] };

/** What an image is released as. */
export interface ReleaseParts {
  readonly product: string;
  readonly hardware: string;
  readonly version: string;
  /** When it was packaged, ISO 8601 in any zone. */
  readonly createdAt: string;
  readonly image: Pick<ImageFile, "sizeBytes" | "sha256" | "hashList" | "chipId" | "secureVersion">;
}

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

/** More named devices than this don't fit into one offer (`target.devices` of the offer's schema). */
export const TARGET_DEVICES_MAX = 256;

/**
 * The offer of a release, in its unsigned envelope.
 *
 * @returns The payload of the offer topics.
 * @throws OtaError `protocol/malformed` or `protocol/too-large` where no device would take it, for example because more
 *   than {@link TARGET_DEVICES_MAX} devices are named.
 */
export function buildOfferEnvelope(release: ReleaseParts, offer: OfferParts): Uint8Array {
  const [epoch, sequence] = offer.counter;
  return buildEnvelope(
    buildOffer({
      offer: 1,
      id: offer.id,
      topic_root: offer.topicRoot,
      epoch,
      sequence,
      issued_at: offer.issuedAt.toISOString(),
      release: { payload: buildReleasePayload(release), signatures: [] },
      chunk_encodings: ["identity"],
      target: offer.target === "all" ? "all" : { devices: offer.target.devices },
      spread_ms: spreadMs(offer.expectedCount),
    }),
  );
}

/** The topics on which an offer is published: the product's, or the own ones of the devices that it is for. */
export function offerTopicsOf(topicRoot: string, target: DeliveryTarget): readonly string[] {
  const topics = topicsOf(topicRoot);
  return target === "all" ? [topics.offer] : target.devices.map((device) => topics.deviceOffer(device));
}

function buildReleasePayload({ product, hardware, version, createdAt, image }: ReleaseParts): Uint8Array {
  return buildRelease({
    release: 1,
    product,
    hardware,
    version,
    created_at: new Date(createdAt).toISOString(),
    image: {
      sha256: image.sha256,
      size: image.sizeBytes,
      chunk_size: CHUNK_SIZE,
      hash_list_sha256: toHex(sha256(image.hashList)),
      secure_version: image.secureVersion,
      chip_id: image.chipId,
    },
  });
}

/** One device has nobody to keep apart from. */
function spreadMs(expectedCount: number | undefined): number {
  if (expectedCount === undefined) return SPREAD_OF_UNKNOWN_MS;
  return expectedCount <= 1 ? 0 : Math.min(SPREAD_PER_DEVICE_MS * expectedCount, SPREAD_MAX_MS);
}
