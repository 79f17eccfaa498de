import { OtaError } from "../errors.ts";
import { parseEnvelope } from "../messages/envelope.ts";
import { parseKeySet } from "../messages/key-set.ts";
import { MESSAGE_SIZE_MAX } from "../messages/topics.ts";
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from "./public-key.ts";
import { answerChecks, type SignatureChecks } from "./signature-check.ts";
import type { SignatureVerifier } from "./signature-verifier.ts";
import { type TrustedKeys, trustKeys, withAlgorithms } from "./trusted-keys.ts";
import { envelopeChecks, verifyEnvelope } from "./verify-envelope.ts";

/**
 * Parses a provisioned key set. Provisioning is trusted; the required threshold of signatures by the set's own root
 * keys proves that these keys exist.
 *
 * @param message - Bytes of the envelope.
 * @param verify - `verifySignature` in Node.
 * @throws {@link OtaError} `protocol/too-large`.
 * @throws {@link OtaError} `protocol/malformed`.
 * @throws {@link OtaError} `signing/…` as {@link verifyEnvelope} and `trustKeys`.
 */
export function readKeySet(message: Uint8Array, verify: SignatureVerifier): TrustedKeys {
  const envelope = parseEnvelope(message, MESSAGE_SIZE_MAX.keys);
  const keys = trustKeys(parseKeySet(envelope.payload));
  verifyEnvelope(envelope, "keys", keys, verify);
  return keys;
}

/**
 * Advances trust from a key set to the next one, which a threshold of the root keys of both sets must have signed.
 *
 * @param current - The key set of epoch n.
 * @param message - Bytes of the envelope with the key set of epoch n + 1.
 * @param verify - `verifySignature` in Node.
 * @throws {@link OtaError} `protocol/too-large`.
 * @throws {@link OtaError} `protocol/malformed`.
 * @throws {@link OtaError} `signing/key-set-epoch` for any epoch but the next (the details say which: a lower or equal
 *   one is old news).
 * @throws {@link OtaError} `signing/key-set-product`; else as {@link readKeySet}.
 */
export function advanceKeySet(current: TrustedKeys, message: Uint8Array, verify: SignatureVerifier): TrustedKeys {
  return answerChecks(keySetChecks(current, message), verify);
}

/**
 * Does what {@link advanceKeySet} does, one signature at a time.
 *
 * @param algorithms - Algorithms that the device can verify.
 * @throws {@link OtaError} as {@link advanceKeySet}, and `signing/unsupported-algorithm` as {@link withAlgorithms}.
 */
export function* keySetChecks(
  current: TrustedKeys,
  message: Uint8Array,
  algorithms: readonly SignatureAlgorithm[] = SIGNATURE_ALGORITHMS,
): SignatureChecks<TrustedKeys> {
  const envelope = parseEnvelope(message, MESSAGE_SIZE_MAX.keys);
  const document = parseKeySet(envelope.payload);
  // Cheap checks come before any verification.
  const expected = current.document.epoch + 1;
  if (document.epoch !== expected) {
    const text = `the key set is of epoch ${document.epoch}; it must be ${expected}`;
    throw new OtaError("signing/key-set-epoch", text, { expected, found: document.epoch });
  }
  if (document.product !== current.document.product) {
    const [wanted, found] = [current.document.product, document.product];
    const text = `the key set is for ${JSON.stringify(found)}; this device is ${JSON.stringify(wanted)}`;
    throw new OtaError("signing/key-set-product", text, { expected: wanted, found });
  }
  yield* envelopeChecks(envelope, "keys", current);
  const next = withAlgorithms(trustKeys(document), algorithms);
  yield* envelopeChecks(envelope, "keys", next);
  return next;
}
