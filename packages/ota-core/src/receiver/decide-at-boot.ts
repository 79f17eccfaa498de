import type { OtaErrorCode } from "../errors.ts";
import { ATTEMPTS_MAX } from "../messages/reported-error.ts";
import type { RunningImage } from "./receiver-events.ts";
import type { Attempt, OfferOutcome, ReceiverRecord } from "./receiver-record.ts";

/** What a device does first after a boot. */
export type BootDecision =
  /** The running image has to prove itself. `attempt` is `undefined` if no offer brought it. */
  | {
      readonly type: "probation";
      readonly attempt: Attempt | undefined;
      /** `attempt` counts one start more than the record, and must be stored before the probation begins. */
      readonly shouldStore: boolean;
    }
  /** The running image must not stay: go back to the image before it. */
  | { readonly type: "roll-back"; readonly attempt: Attempt; readonly error: OtaErrorCode }
  /** The image before the offer runs again, for good: make the image of the offer unbootable. */
  | { readonly type: "condemn"; readonly attempt: Attempt; readonly error: string }
  /** The running image passed its probation before the reset: only the record is missing. */
  | { readonly type: "confirm"; readonly attempt: Attempt }
  /** The last accepted offer ended before the reset. */
  | { readonly type: "resume"; readonly outcome: OfferOutcome }
  /** Nothing to do. The offer of an attempt in the record continues when the broker repeats it. */
  | { readonly type: "rest" };

/**
 * Decides from the stored record and the running image how the last offer ended or continues.
 *
 * @param record - The record stored before the reset.
 * @param running - The running image.
 */
export function decideAtBoot(
  { attempt, outcome }: Pick<ReceiverRecord, "attempt" | "outcome">,
  { sha256, pendingVerify }: Pick<RunningImage, "sha256" | "pendingVerify">,
): BootDecision {
  if (attempt === undefined) {
    if (pendingVerify) return { type: "probation", attempt: undefined, shouldStore: false };
    return outcome === undefined ? { type: "rest" } : { type: "resume", outcome };
  }
  if (attempt.image === sha256) return decideOnAttempt(attempt, pendingVerify);
  // It is on probation and is not what the device accepted. The slot to download to holds the image to go back to.
  if (pendingVerify) return { type: "roll-back", attempt, error: "delivery/image-mismatch" };
  if (attempt.attempts >= ATTEMPTS_MAX || attempt.error !== undefined) {
    return { type: "condemn", attempt, error: attempt.error ?? "delivery/self-test-failed" };
  }
  // The power was cut before the switch or during the probation.
  return { type: "rest" };
}

/** The image of the attempt runs. */
function decideOnAttempt(attempt: Attempt, pendingVerify: boolean): BootDecision {
  if (pendingVerify) return { type: "probation", attempt, shouldStore: false };
  if (attempt.proven === true) return { type: "confirm", attempt };
  // The otadata entry lost its protection in a power cut, or the bootloader never rolls back: the receiver counts alone.
  if (attempt.attempts >= ATTEMPTS_MAX) return { type: "roll-back", attempt, error: "delivery/attempts-exhausted" };
  return { type: "probation", attempt: { ...attempt, attempts: attempt.attempts + 1 }, shouldStore: true };
}
