import { assert } from "../assert.ts";
import { readIntegerPair } from "./der.ts";
import { buildPublicKeyPem } from "./pem.ts";
import type { PublicKey } from "./public-key.ts";

/**
 * Says whether a signature is one of a key over a message, by the key's own algorithm and encoding. Answers at once and
 * throws at nothing: it is a step of machines that do no I/O.
 */
export type SignatureVerifier = (key: PublicKey, message: Uint8Array, signature: Uint8Array) => boolean;

type NodeCrypto = typeof import("node:crypto");

/** Found without an import that a bundler would see. */
const native: NodeCrypto | undefined = globalThis.process?.getBuiltinModule?.("node:crypto");

/** A key as Node's crypto has it, made once: it takes half as long as a verification. */
const KEY_OBJECTS = new WeakMap<PublicKey, import("node:crypto").KeyObject>();

/**
 * Verifies with Node's crypto. Browsers have no synchronous verification: there it is a `WebCryptoVerifier`'s.
 *
 * @param key - As `parsePublicKey` made it.
 */
export const verifySignature: SignatureVerifier = (key, message, signature) => {
  assert(native !== undefined, "there is no node:crypto here; a WebCryptoVerifier is needed");
  const keyObject = KEY_OBJECTS.get(key) ?? native.createPublicKey(buildPublicKeyPem(key));
  KEY_OBJECTS.set(key, keyObject);
  try {
    if (key.alg === "ed25519") return native.verify(null, message, keyObject, signature);
    if (key.alg === "ecdsa-p256-sha256")
      return native.verify("sha256", message, { key: keyObject, dsaEncoding: "der" }, signature);
    const padding = native.constants.RSA_PKCS1_PADDING;
    return native.verify("sha256", message, { key: keyObject, padding }, signature);
  } catch {
    return false; // OpenSSL tells some signatures that are none by an error
  }
};

/**
 * Whether bytes have the one encoding in which a key's signatures count: for ECDSA DER with two integers of at most 32
 * bytes, for RSA as many bytes as the modulus has, for Ed25519 64 bytes.
 */
export function hasSignatureForm({ alg, sizeBits }: PublicKey, signature: Uint8Array): boolean {
  if (alg === "ed25519") return signature.length === 64;
  if (alg === "rsa-pkcs1v15-sha256") return signature.length === Math.ceil(sizeBits / 8);
  return readIntegerPair(signature)?.every(({ length }) => length <= 32) ?? false;
}
