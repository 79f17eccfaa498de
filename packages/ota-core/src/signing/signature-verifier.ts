import { assert } from "../assert.ts";
import { readIntegerPair } from "./der.ts";
import { buildPublicKeyPem } from "./pem.ts";
import type { PublicKey } from "./public-key.ts";

/**
 * Returns `true` if a signature is valid for a key and a message, with the key's own algorithm and encoding.
 * Synchronous and never throws, because state machines without I/O call it.
 */
export type SignatureVerifier = (key: PublicKey, message: Uint8Array, signature: Uint8Array) => boolean;

type NodeCrypto = typeof import("node:crypto");

/** Not imported, so that bundlers for browsers don't see it. */
const native: NodeCrypto | undefined = globalThis.process?.getBuiltinModule?.("node:crypto");

/** Cache of keys in Node's form: creating one takes half as long as a verification. */
const KEY_OBJECTS = new WeakMap<PublicKey, import("node:crypto").KeyObject>();

/**
 * Verifies a signature with Node's crypto. Browsers have no synchronous verification: use `WebCryptoVerifier` there.
 *
 * @param key - Result of `parsePublicKey`.
 */
export const verifySignature: SignatureVerifier = (key, message, signature) => {
  assert(native !== undefined, "node:crypto is not available; use a WebCryptoVerifier");
  const keyObject = KEY_OBJECTS.get(key) ?? native.createPublicKey(buildPublicKeyPem(key));
  KEY_OBJECTS.set(key, keyObject);
  try {
    if (key.alg === "ed25519") return native.verify(null, message, keyObject, signature);
    if (key.alg === "ecdsa-p256-sha256")
      return native.verify("sha256", message, { key: keyObject, dsaEncoding: "der" }, signature);
    const padding = native.constants.RSA_PKCS1_PADDING;
    return native.verify("sha256", message, { key: keyObject, padding }, signature);
  } catch {
    return false; // OpenSSL throws for some malformed signatures
  }
};

/**
 * Returns `true` if bytes have the only accepted encoding of a key's signatures: DER with two integers of at most 32
 * bytes for ECDSA, as many bytes as the modulus for RSA, 64 bytes for Ed25519.
 */
export function hasSignatureForm({ alg, sizeBits }: PublicKey, signature: Uint8Array): boolean {
  if (alg === "ed25519") return signature.length === 64;
  if (alg === "rsa-pkcs1v15-sha256") return signature.length === Math.ceil(sizeBits / 8);
  return readIntegerPair(signature)?.every(({ length }) => length <= 32) ?? false;
}
