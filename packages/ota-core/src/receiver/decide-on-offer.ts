import type { OtaError } from "../errors.ts";
import type { OfferDocument } from "../messages/offer.ts";
import { type DeviceFacts, refuseOffer } from "./offer-check.ts";
import type { ReceivedOffer } from "./received-offer.ts";
import type { OfferOutcome } from "./receiver-record.ts";

/** What a device is doing when an offer arrives, and what it knows. */
export interface OfferSituation {
  /** The device does nothing for an offer. */
  readonly isResting: boolean;
  /** Another offer may take the place of what the device is doing. */
  readonly isReplaceable: boolean;
  /** Id of the offer that reports name. */
  readonly offer: string | undefined;
  /** Code of the error in reports. */
  readonly error: string | undefined;
  /** How the accepted offer ended, if it did. */
  readonly outcome: OfferOutcome | undefined;
  readonly facts: DeviceFacts;
}

/** What a device does with an offer that was admitted. */
export type OfferDecision =
  /** It changes nothing: its activity goes on, or its withdrawal is done. */
  | { readonly type: "keep" }
  /** It ended earlier. Report that again. */
  | { readonly type: "resume"; readonly outcome: OfferOutcome }
  /** The device can't leave what it is doing. */
  | { readonly type: "wait" }
  /** The device can't take it. */
  | { readonly type: "reject"; readonly error: OtaError }
  | { readonly type: "accept" };

/**
 * Decides what a device does with an offer that is authentic and not older than the accepted one.
 *
 * @param isKnown - It is the accepted offer, delivered again.
 */
export function decideOnOffer(
  { offer, release }: Pick<ReceivedOffer, "offer" | "release">,
  isKnown: boolean,
  situation: OfferSituation,
): OfferDecision {
  const standing = isKnown ? decideOnRepeated(offer, situation) : undefined;
  if (standing !== undefined) return standing;
  if (!situation.isReplaceable) return { type: "wait" };
  const error = release === undefined ? undefined : refuseOffer(offer, release, situation.facts);
  return error === undefined ? { type: "accept" } : { type: "reject", error };
}

/**
 * Decides on the accepted offer, delivered again: an activity goes on, and what ended stays ended. Nothing is written to
 * flash for this, even if other offers came in between.
 *
 * @returns `undefined` if the offer has to be taken up again.
 */
function decideOnRepeated({ id }: OfferDocument, situation: OfferSituation): OfferDecision | undefined {
  const { isResting, offer, error, outcome, facts } = situation;
  if (!isResting) return offer === id ? { type: "keep" } : undefined;
  // A new will would take a new connection, on which the broker delivers the withdrawal again.
  if (error === "offer/withdrawn" && offer === id) return { type: "keep" };
  if (outcome?.offer !== id) return undefined;
  if (outcome.outcome === "confirmed" && facts.running.sha256 !== outcome.image) return undefined;
  return { type: "resume", outcome };
}
