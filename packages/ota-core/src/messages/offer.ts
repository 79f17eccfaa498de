import { validateOffer } from "../schemas/message-validators.generated.ts";
import type { Offer } from "../schemas/types.generated.ts";
import { type Envelope, envelopeFromJson, envelopeToJson } from "./envelope.ts";
import { buildMessage, type Immutable, type MessageKind, malformedMessage, parseMessage } from "./json-message.ts";
import { MESSAGE_SIZE_MAX } from "./topics.ts";

/** A parsed offer. Its release is an envelope that has yet to be verified. */
export interface OfferDocument extends Omit<Offer, "release"> {
  /** The release to install; `null` withdraws the earlier offer. */
  release: Envelope | null;
}

const OFFER: MessageKind<Offer> = { name: "offer", sizeMax: MESSAGE_SIZE_MAX.offer, validate: validateOffer };

/**
 * Parses the payload of an offer envelope. Does not parse the release inside, because its signatures are not verified
 * yet.
 *
 * @throws {@link OtaError} `protocol/too-large` if it exceeds 4096 bytes.
 * @throws {@link OtaError} `protocol/malformed` if it is not an offer.
 */
export function parseOffer(payload: Uint8Array): OfferDocument {
  const offer = parseMessage(payload, OFFER);
  const { target } = offer;
  if (target !== "all" && "devices" in target && "rollout" in target)
    throw malformedMessage(OFFER.name, "/target", "target names devices and a rollout; it must name one of them");
  return { ...offer, release: offer.release === null ? null : envelopeFromJson(offer.release) };
}

/**
 * Builds the payload of an offer envelope.
 *
 * @throws {@link OtaError} `protocol/too-large` if it exceeds 4096 bytes.
 * @throws {@link OtaError} `protocol/malformed` if {@link parseOffer} would refuse it.
 */
export function buildOffer(document: Omit<Immutable<Offer>, "release"> & Pick<OfferDocument, "release">): Uint8Array {
  const { release } = document;
  return buildMessage({ ...document, release: release === null ? null : envelopeToJson(release) }, OFFER);
}

/** Compares two offers' (epoch, sequence). Negative if `left` is lower, 0 if both are equal. */
export function compareSequence(left: readonly [number, number], right: readonly [number, number]): number {
  return left[0] - right[0] || left[1] - right[1];
}
