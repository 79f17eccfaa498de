import { OtaError } from "../errors.ts";
import { parseEnvelope } from "../messages/envelope.ts";
import { parseKeySet } from "../messages/key-set.ts";
import { MESSAGE_SIZE_MAX } from "../messages/topics.ts";
import type { SignatureVerifier } from "./signature-verifier.ts";
import { type TrustedKeys, trustKeys } from "./trusted-keys.ts";
import { verifyEnvelope } from "./verify-envelope.ts";

/**
 * Reads the key set that a device is provisioned with. Who hands it over is trusted; that a threshold of its own root
 * keys has signed it shows that these keys exist.
 *
 * @param message - The envelope's bytes.
 * @throws OtaError `protocol/too-large`, `protocol/malformed`, `signing/…` as {@link verifyEnvelope} and `trustKeys`.
 */
export function readKeySet(message: Uint8Array, verify: SignatureVerifier): TrustedKeys {
  const envelope = parseEnvelope(message, MESSAGE_SIZE_MAX.keys);
  const keys = trustKeys(parseKeySet(envelope.payload));
  verifyEnvelope(envelope, "keys", keys, verify);
  return keys;
}

/**
 * Takes one step of trust: from a key set to the next, which a threshold of the root keys of both must have signed.
 *
 * @param current - The key set of epoch n.
 * @param message - The envelope's bytes of the key set of epoch n + 1.
 * @throws OtaError `protocol/too-large`, `protocol/malformed`; `signing/key-set-epoch` for any epoch but the next (the
 *   details say which: a lower or equal one is old news); `signing/key-set-product`; else as {@link readKeySet}.
 */
export function advanceKeySet(current: TrustedKeys, message: Uint8Array, verify: SignatureVerifier): TrustedKeys {
  const envelope = parseEnvelope(message, MESSAGE_SIZE_MAX.keys);
  const document = parseKeySet(envelope.payload);
  // Before any verification: what can't follow costs next to nothing.
  const expected = current.document.epoch + 1;
  if (document.epoch !== expected) {
    const text = `the key set is of epoch ${document.epoch}; after ${expected - 1} only ${expected} is taken`;
    throw new OtaError("signing/key-set-epoch", text, { expected, found: document.epoch });
  }
  if (document.product !== current.document.product) {
    const [wanted, found] = [current.document.product, document.product];
    const text = `the key set is for ${JSON.stringify(found)}; this device is ${JSON.stringify(wanted)}`;
    throw new OtaError("signing/key-set-product", text, { expected: wanted, found });
  }
  verifyEnvelope(envelope, "keys", current, verify);
  const next = trustKeys(document);
  verifyEnvelope(envelope, "keys", next, verify);
  return next;
}
