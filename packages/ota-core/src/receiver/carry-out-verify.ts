import { signedBytes } from "../messages/envelope.ts";
import { type PublicKey, parsePublicKey } from "../signing/public-key.ts";
import { type SignatureVerifier, verifySignature } from "../signing/signature-verifier.ts";
import type { ReceiverAction } from "./receiver-events.ts";

/** Parsed keys by their bytes: parsing one takes as long as some verifications. */
const KEYS = new WeakMap<Uint8Array, PublicKey>();

/**
 * Carries out a receiver's `verify` action. Hand its result back in a `verified` event.
 *
 * @param verify - @defaultValue `verifySignature`, which needs Node
 */
export function carryOutVerify(
  { spki, kind, payload, signature }: Extract<ReceiverAction, { type: "verify" }>,
  verify: SignatureVerifier = verifySignature,
): boolean {
  const key = KEYS.get(spki) ?? parsePublicKey(spki);
  KEYS.set(spki, key);
  return verify(key, signedBytes(kind, payload), signature);
}
