import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import {
  type Envelope,
  type PublicKey,
  parsePublicKey,
  type SignedKind,
  signedBytes,
  verifySignature,
} from "@tinybms/ota-core/signing";

/** A key of the vectors. */
export interface VectorKey extends PublicKey {
  /** DER PrivateKeyInfo, in base64. */
  readonly pkcs8: string;
}

/** Signs envelopes. Keeps earlier signatures of the same bytes, because ECDSA gives another one each time. */
export class VectorSigner {
  readonly #keys: Readonly<Record<string, VectorKey>>;
  /** Signatures of earlier envelopes, and of those signed so far. */
  readonly #known: Uint8Array[];

  /** @param earlier - Envelopes, as they are published. */
  constructor(keys: Readonly<Record<string, VectorKey>>, earlier: readonly string[]) {
    this.#keys = keys;
    this.#known = earlier.flatMap(signaturesIn);
  }

  /** Signs a document with some of the keys. */
  seal(kind: SignedKind, payload: Uint8Array, by: readonly string[]): Envelope {
    const message = signedBytes(kind, payload);
    const signatures = by.map((name) => {
      const key = this.#keys[name];
      if (key === undefined) throw new Error(`there is no key ${name}`);
      const sig = this.#known.find((it) => verifySignature(key, message, it)) ?? signWith(key, message);
      this.#known.push(sig);
      return { keyid: key.keyid, alg: key.alg, sig };
    });
    return { payload, signatures };
  }
}

/** Returns the signatures of an envelope, and of the release inside an offer. */
function signaturesIn(text: string): readonly Uint8Array[] {
  const { payload, signatures } = JSON.parse(text) as { payload: string; signatures: { sig: string }[] };
  const own = signatures.map(({ sig }) => new Uint8Array(Buffer.from(sig, "base64")));
  const inner = /"release":(\{"payload".*?\]\})/.exec(Buffer.from(payload, "base64").toString())?.[1];
  return inner === undefined ? own : [...own, ...signaturesIn(inner)];
}

/** Reads a key of earlier vectors, or makes one. */
export function vectorKey(earlier: string | undefined): VectorKey {
  const pkcs8 = earlier ?? newKey();
  const der = Buffer.from(pkcs8, "base64");
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return { ...parsePublicKey(new Uint8Array(spki)), pkcs8 };
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return privateKey.export({ format: "der", type: "pkcs8" }).toString("base64");
}

function signWith({ pkcs8 }: VectorKey, message: Uint8Array): Uint8Array {
  const key = createPrivateKey({ key: Buffer.from(pkcs8, "base64"), format: "der", type: "pkcs8" });
  return new Uint8Array(sign("sha256", message, key));
}
