import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { Immutable } from "@tinybms/ota-core";
import {
  addKey,
  buildEnvelope,
  buildKeySet,
  type EnvelopeSignature,
  firstKeySet,
  type KeyRoleName,
  type KeySet,
  nextKeySet,
  type PublicKey,
  parsePublicKey,
  rotateKey,
  signedBytes,
} from "@tinybms/ota-core/signing";
import { PRODUCT, type ScenarioTrust, TOPIC_ROOT } from "../src/power-cut/scenario.ts";
import { type PublicationSigner, prepareSender } from "../src/simulation/publish-image.ts";

/** A key pair of a test. */
export interface FleetKey extends PublicKey {
  readonly privateKey: KeyObject;
}

export function createFleetKey(): FleetKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return { ...parsePublicKey(Uint8Array.from(spki)), privateKey };
}

/**
 * Size of all ECDSA signatures in bytes. Their size is fixed so that a seed changes messages in the same way in each
 * run.
 */
const SIGNATURE_SIZE = 71;

function signatureOf(key: FleetKey, kind: "keys" | "offer" | "release", payload: Uint8Array): EnvelopeSignature {
  for (;;) {
    const sig = Uint8Array.from(sign("sha256", signedBytes(kind, payload), key.privateKey));
    if (sig.length === SIGNATURE_SIZE) return { keyid: key.keyid, alg: key.alg, sig };
  }
}

/** Creates a signer with one key for offers and one for releases. */
export function signerOf(keys: Readonly<Record<"offer" | "release", FleetKey>>): PublicationSigner {
  return (kind, payload) => [signatureOf(keys[kind], kind, payload)];
}

/** Returns the message of a key set. */
export function sealKeySet(document: Immutable<KeySet>, ...signers: readonly FleetKey[]): Uint8Array {
  const payload = buildKeySet(document);
  return buildEnvelope(
    payload,
    signers.map((key) => signatureOf(key, "keys", payload)),
  );
}

/** Keys of a product's first three epochs. From the second on, another offer key replaces the first. */
export interface FleetKeys {
  readonly root: FleetKey;
  readonly release: FleetKey;
  readonly offer: FleetKey;
  readonly nextOffer: FleetKey;
  /** Envelopes of the key sets of epochs 1 to 3. */
  readonly keySets: readonly [Uint8Array, Uint8Array, Uint8Array];
}

export function createFleetKeys(product: string): FleetKeys {
  const [root, release, offer, nextOffer] = [createFleetKey(), createFleetKey(), createFleetKey(), createFleetKey()];
  const roles: readonly (readonly [FleetKey, KeyRoleName])[] = [
    [root, "root"],
    [release, "release"],
    [offer, "offer"],
  ];
  const none = firstKeySet(product, "2026-01-01T00:00:00Z");
  const first = roles.reduce<Immutable<KeySet>>((set, [key, role]) => addKey(set, key, [role]), none);
  const second = rotateKey(nextKeySet(first, "2026-01-02T00:00:00Z"), offer.keyid, nextOffer, true);
  const third = nextKeySet(second, "2026-01-03T00:00:00Z");
  const seal = (set: Immutable<KeySet>) => sealKeySet(set, root);
  return { root, release, offer, nextOffer, keySets: [seal(first), seal(second), seal(third)] };
}

/**
 * Returns the trust of a device in a power-cut sweep that moves to the key set of epoch 3 in two steps, and is then
 * offered an image under it.
 */
export function sweptTrust(image: Uint8Array): ScenarioTrust {
  const { keySets, release, nextOffer } = createFleetKeys(PRODUCT);
  const sign = signerOf({ release, offer: nextOffer });
  const { offerEnvelope } = prepareSender({ image, topicRoot: TOPIC_ROOT, product: PRODUCT, epoch: 3, sign });
  const [keySet, ...laterKeySets] = keySets;
  return { keySet, laterKeySets, offer: offerEnvelope };
}
