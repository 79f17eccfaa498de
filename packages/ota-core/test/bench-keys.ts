import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { toBase64 } from "../src/bytes.ts";
import { buildEnvelope, type Envelope, type SignedKind, signedBytes } from "../src/messages/envelope.ts";
import { buildKeySet } from "../src/messages/key-set.ts";
import { MESSAGE_SIZE_MAX } from "../src/messages/topics.ts";
import type { KeySet } from "../src/schemas/types.generated.ts";
import { type PublicKey, parsePublicKey } from "../src/signing/public-key.ts";
import type { KeyRoleName } from "../src/signing/trusted-keys.ts";

/** A key pair of a test. */
export interface BenchKey extends PublicKey {
  readonly privateKey: KeyObject;
  /** Signs a message with the key's one algorithm and encoding. */
  sign(message: Uint8Array): Uint8Array;
}

/** The private half, and the public one as DER SubjectPublicKeyInfo. */
export function spkiOf(privateKey: KeyObject): Uint8Array {
  return Uint8Array.from(createPublicKey(privateKey).export({ format: "der", type: "spki" }));
}

/** Makes a key pair. */
export function createBenchKey(type: "ecdsa" | "ed25519" | "rsa" = "ecdsa"): BenchKey {
  const { privateKey } =
    type === "ecdsa"
      ? generateKeyPairSync("ec", { namedCurve: "prime256v1" })
      : type === "rsa"
        ? generateKeyPairSync("rsa", { modulusLength: 2048 })
        : generateKeyPairSync("ed25519");
  const digest = type === "ed25519" ? null : "sha256";
  return {
    ...parsePublicKey(spkiOf(privateKey)),
    privateKey,
    sign: (message) => Uint8Array.from(sign(digest, message, privateKey)),
  };
}

/** Who has a role, and how many of them must sign. */
export type BenchRole = readonly [keys: readonly PublicKey[], threshold: number];

/** A key set. */
export function benchKeySet(
  roles: Readonly<Record<KeyRoleName, BenchRole>>,
  { epoch = 1, revoked = [] }: { epoch?: number; revoked?: readonly PublicKey[] } = {},
): KeySet {
  const role = ([keys, threshold]: BenchRole) => ({ keyids: keys.map(({ keyid }) => keyid), threshold });
  const all = [...roles.root[0], ...roles.release[0], ...roles.offer[0]];
  return {
    keys: 1,
    product: "TinyBMS Web Gateway",
    epoch,
    issued_at: "2026-01-31T12:00:00Z",
    revoked: revoked.map(({ keyid }) => keyid),
    roles: { root: role(roles.root), release: role(roles.release), offer: role(roles.offer) },
    records: Object.fromEntries(all.map(({ keyid, alg, spki }) => [keyid, { alg, spki: toBase64(spki) }])),
  };
}

/** An envelope with a signature of each key. */
export function sealed(kind: SignedKind, payload: Uint8Array, keys: readonly BenchKey[]): Envelope {
  const message = signedBytes(kind, payload);
  return { payload, signatures: keys.map((key) => ({ keyid: key.keyid, alg: key.alg, sig: key.sign(message) })) };
}

/** A key set's envelope as it travels. */
export function sealedKeySet(document: KeySet, keys: readonly BenchKey[]): Uint8Array {
  const { payload, signatures } = sealed("keys", buildKeySet(document), keys);
  const bytes = buildEnvelope(payload, signatures);
  if (bytes.length > MESSAGE_SIZE_MAX.keys) throw new Error("the key set is too large");
  return bytes;
}
