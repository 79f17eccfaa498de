import type { Offer } from "../schemas/types.generated.ts";
import { validateOffer } from "../schemas/validators.generated.ts";
import { type Envelope, envelopeFromJson, envelopeToJson } from "./envelope.ts";
import { buildMessage, type Immutable, type MessageKind, parseMessage } from "./json-message.ts";
import { MESSAGE_SIZE_MAX } from "./topics.ts";

/** An offer whose release, when it isn't withdrawn, is at hand as an envelope to be verified. */
export interface OfferDocument extends Omit<Offer, "release"> {
  /** The release to install; `null` withdraws what was offered before. */
  release: Envelope | null;
}

const OFFER: MessageKind<Offer> = { name: "offer", sizeMax: MESSAGE_SIZE_MAX.offer, validate: validateOffer };

/**
 * Reads the payload of an offer envelope. The release inside stays unread until its signatures are verified.
 *
 * @throws OtaError `protocol/too-large` or `protocol/malformed`.
 */
export function parseOffer(payload: Uint8Array): OfferDocument {
  const offer = parseMessage(payload, OFFER);
  return { ...offer, release: offer.release === null ? null : envelopeFromJson(offer.release) };
}

/**
 * The payload of an offer envelope.
 *
 * @throws OtaError `protocol/too-large` or `protocol/malformed` where no device would take it.
 */
export function buildOffer(document: Omit<Immutable<Offer>, "release"> & Pick<OfferDocument, "release">): Uint8Array {
  const { release } = document;
  return buildMessage({ ...document, release: release === null ? null : envelopeToJson(release) }, OFFER);
}

/** Compares the numbers of offers as (epoch, sequence): negative when `left` is the lower. */
export function compareSequence(left: readonly [number, number], right: readonly [number, number]): number {
  return left[0] - right[0] || left[1] - right[1];
}
