import type { Envelope } from "../messages/envelope.ts";
import type { SignatureVerifier } from "./signature-verifier.ts";
import type { TrustedKeys, TrustedRole } from "./trusted-keys.ts";
import { signersOf } from "./verify-envelope.ts";

/** Progress of one key set's root keys in signing the next key set. */
export interface SigningProgress {
  /** Epoch of the set to which these root keys belong. */
  readonly epoch: number;
  /** Threshold of the root role. */
  readonly needed: number;
  /** Ids of the keys that have signed. */
  readonly signed: readonly string[];
  /** Ids of the keys that have not signed yet. */
  readonly missing: readonly string[];
}

/**
 * Returns which root keys have signed a key set. A threshold of the previous set's root keys and of its own must sign.
 *
 * @param envelope - The signed key set.
 * @param current - The previous set; `undefined` for the first set.
 * @param next - The set in the envelope.
 * @param verify - `verifySignature` in Node.
 * @returns One entry per set whose root keys must sign, the older set first.
 */
export function keySetProgress(
  envelope: Envelope,
  current: TrustedKeys | undefined,
  next: TrustedKeys,
  verify: SignatureVerifier,
): readonly SigningProgress[] {
  return [...(current === undefined ? [] : [current]), next].map(({ document, roles: { root } }) => {
    const allRootKeys: TrustedRole = { keys: root.keys, threshold: root.keys.length };
    const signed = signersOf(envelope, "keys", allRootKeys, verify);
    const missing = root.keys.map(({ keyid }) => keyid).filter((keyid) => !signed.includes(keyid));
    return { epoch: document.epoch, needed: root.threshold, signed, missing };
  });
}

/** Returns `true` if every threshold is met. */
export function isFullySigned(progress: readonly SigningProgress[]): boolean {
  return progress.every(({ signed, needed }) => signed.length >= needed);
}

/** Returns the minimum number of signatures that meets every threshold. A key in both sets signs once for both. */
export function signaturesNeeded(progress: readonly SigningProgress[]): number {
  const sides = progress.map(({ needed, signed, missing }) => ({ needed, keyids: [...signed, ...missing] }));
  const [first, second] = sides;
  if (first === undefined || second === undefined) return first?.needed ?? 0;
  const shared = first.keyids.filter((keyid) => second.keyids.includes(keyid)).length;
  return first.needed + second.needed - Math.min(shared, first.needed, second.needed);
}
