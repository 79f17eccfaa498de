import { type Envelope, type EnvelopeSignature, type SignedKind, signedBytes } from "../messages/envelope.ts";
import type { PublicKey } from "./public-key.ts";

/** A signature, and the key under which it verifies. */
export interface KeyedSignature {
  readonly key: PublicKey;
  readonly signature: Uint8Array;
}

/** Signs a message with a key that it alone knows: of a file, behind a command. */
export type Signer = (message: Uint8Array) => Promise<KeyedSignature>;

/**
 * Adds signatures to an envelope, one after the other, as signers may ask people for something.
 *
 * @param kind - What the payload is.
 * @param envelope - The payload, and signatures that it has already.
 * @returns The envelope with one signature of each key: a key's new one in place of its old.
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
