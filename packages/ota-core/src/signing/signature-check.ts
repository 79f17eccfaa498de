import { type SignedKind, signedBytes } from "../messages/envelope.ts";
import type { PublicKey } from "./public-key.ts";
import type { SignatureVerifier } from "./signature-verifier.ts";

/** A question: is this signature over this payload valid for this key? */
export interface SignatureCheck {
  readonly kind: SignedKind;
  readonly payload: Uint8Array;
  readonly key: PublicKey;
  readonly signature: Uint8Array;
}

/**
 * A verification that asks one {@link SignatureCheck} at a time and is resumed with its answer. It throws
 * {@link OtaError} if the envelope is refused.
 */
export type SignatureChecks<Result> = Generator<SignatureCheck, Result, boolean>;

/**
 * Answers every check at once.
 *
 * @param verify - `verifySignature` in Node.
 * @returns What the verification returns.
 * @throws {@link OtaError} What the verification throws.
 */
export function answerChecks<Result>(checks: SignatureChecks<Result>, verify: SignatureVerifier): Result {
  let step = checks.next(false);
  while (step.done !== true) {
    const { kind, payload, key, signature } = step.value;
    step = checks.next(verify(key, signedBytes(kind, payload), signature));
  }
  return step.value;
}
