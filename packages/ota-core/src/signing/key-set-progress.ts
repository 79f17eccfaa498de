import type { Envelope } from "../messages/envelope.ts";
import type { SignatureVerifier } from "./signature-verifier.ts";
import type { TrustedKeys, TrustedRole } from "./trusted-keys.ts";
import { signersOf } from "./verify-envelope.ts";

/** How far the root keys of one key set have come in signing another. */
export interface SigningProgress {
  /** Epoch of the set whose root keys these are. */
  readonly epoch: number;
  readonly needed: number;
  /** Ids of the keys that have signed. */
  readonly signed: readonly string[];
  /** Ids of the keys that may still sign. */
  readonly missing: readonly string[];
}

/**
 * Who has signed a key set, and who still must: a threshold of the root keys of the set before and of its own.
 *
 * @param current - The set before; `undefined` for the first.
 * @param next - The set that the envelope holds.
 * @returns One entry for each of the sets that must agree, the older first.
 */
export function keySetProgress(
  envelope: Envelope,
  current: TrustedKeys | undefined,
  next: TrustedKeys,
  verify: SignatureVerifier,
): readonly SigningProgress[] {
  return [...(current === undefined ? [] : [current]), next].map(({ document, roles: { root } }) => {
    const everybody: TrustedRole = { keys: root.keys, threshold: root.keys.length };
    const signed = signersOf(envelope, "keys", everybody, verify);
    const missing = root.keys.map(({ keyid }) => keyid).filter((keyid) => !signed.includes(keyid));
    return { epoch: document.epoch, needed: root.threshold, signed, missing };
  });
}

/** Whether nobody has to sign any more. */
export function isFullySigned(progress: readonly SigningProgress[]): boolean {
  return progress.every(({ signed, needed }) => signed.length >= needed);
}

/**
 * The least number of signatures that meets every threshold: a key that is on both sides signs for both.
 */
export function signaturesNeeded(progress: readonly SigningProgress[]): number {
  const sides = progress.map(({ needed, signed, missing }) => ({ needed, keyids: [...signed, ...missing] }));
  const [first, second] = sides;
  if (first === undefined || second === undefined) return first?.needed ?? 0;
  const shared = first.keyids.filter((keyid) => second.keyids.includes(keyid)).length;
  return first.needed + second.needed - Math.min(shared, first.needed, second.needed);
}
