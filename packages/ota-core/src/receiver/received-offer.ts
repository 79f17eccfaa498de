import { toHex } from "../bytes.ts";
import { isOtaError, type OtaError } from "../errors.ts";
import { type Envelope, parseEnvelope } from "../messages/envelope.ts";
import { type OfferDocument, parseOffer } from "../messages/offer.ts";
import { parseRelease } from "../messages/release.ts";
import type { Release } from "../schemas/types.generated.ts";
import { sha256 } from "../sha256.ts";

/** An offer that was parsed, and not verified. */
export interface ReceivedOffer {
  readonly offer: OfferDocument;
  /** `undefined` in a withdrawal. */
  readonly release: Release | undefined;
  /** SHA-256 of the envelope's payload, 64 hexadecimal digits. Two offers with the same hash are the same. */
  readonly payloadSha256: string;
  /** Envelope that holds `offer`; its signatures are verified. */
  readonly envelope: Envelope;
  /** The envelope's bytes. */
  readonly message: Uint8Array;
}

/**
 * Parses an offer envelope and the release in it.
 *
 * @returns `protocol/malformed` or `protocol/too-large` if any part of it is invalid.
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
