import { type Envelope, type EnvelopeSignature, type SignedKind, signedBytes } from "../messages/envelope.ts";
import type { PublicKey } from "./public-key.ts";

/** A signature, and the key under which it verifies. */
export interface KeyedSignature {
  readonly key: PublicKey;
  readonly signature: Uint8Array;
}

/** Signs a message with a private key, for example from a file or behind a command. */
export type Signer = (message: Uint8Array) => Promise<KeyedSignature>;

/**
 * Adds signatures to an envelope. Calls the signers one at a time, because they may prompt a person.
 *
 * @param kind - Kind of document in the payload.
 * @param envelope - The payload and its existing signatures.
 * @returns The envelope with one signature per key. A new signature replaces the same key's old one.
 */
export async function signEnvelope(
  kind: SignedKind,
  envelope: Envelope,
  signers: readonly Signer[],
): Promise<Envelope> {
  const { payload } = envelope;
  const message = signedBytes(kind, payload);
  let signatures: readonly EnvelopeSignature[] = envelope.signatures;
  for (const sign of signers) {
    const { key, signature } = await sign(message);
    const others = signatures.filter(({ keyid }) => keyid !== key.keyid);
    signatures = [...others, { keyid: key.keyid, alg: key.alg, sig: signature }];
  }
  return { payload, signatures };
}
