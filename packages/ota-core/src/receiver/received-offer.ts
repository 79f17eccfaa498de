import { toHex } from "../bytes.ts";
import { isOtaError, type OtaError } from "../errors.ts";
import { type Envelope, parseEnvelope } from "../messages/envelope.ts";
import { type OfferDocument, parseOffer } from "../messages/offer.ts";
import { parseRelease } from "../messages/release.ts";
import type { Release } from "../schemas/types.generated.ts";
import { sha256 } from "../sha256.ts";

/** An offer as it arrived, read but not judged. */
export interface ReceivedOffer {
  readonly offer: OfferDocument;
  /** `undefined` in the withdrawal of another. */
  readonly release: Release | undefined;
  /** SHA-256 of the envelope's payload, 64 hexadecimal digits: two offers are the same where this is. */
  readonly payloadSha256: string;
  /** What `offer` was read from, and what is verified. */
  readonly envelope: Envelope;
  /** The envelope's bytes. */
  readonly message: Uint8Array;
}

/**
 * Reads an offer envelope with the release within.
 *
 * @returns `protocol/malformed` or `protocol/too-large` if any part of it is not what it should be.
 */
export function readOffer(message: Uint8Array): ReceivedOffer | OtaError {
  try {
    const envelope = parseEnvelope(message);
    const { payload } = envelope;
    const offer = parseOffer(payload);
    const release = offer.release === null ? undefined : parseRelease(offer.release.payload);
    return { offer, release, payloadSha256: toHex(sha256(payload)), envelope, message };
  } catch (error) {
    if (isOtaError(error)) return error;
    throw error;
  }
}
