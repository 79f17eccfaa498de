import { constants, createPublicKey, createVerify, type JsonWebKey, type KeyObject } from "node:crypto";
import { viewOf } from "@tinybms/ota-core";
import type { SignatureBlock } from "@tinybms/ota-core/esp";
import type { RomSignatureVerifier } from "./secure-boot-v2.ts";

/** Salt length of RSA-PSS in bytes, as espsecure signs and the ROM expects. */
const SALT_SIZE = 32;
const MODULUS_SIZE = 384;

/**
 * Verifies a signature of Secure Boot v2 as the chip's ROM does, with `node:crypto`: RSA-3072 PSS or ECDSA P-256 over
 * SHA-256, ECDSA P-384 over SHA-384. Rejects invalid keys, and P-192, which Node's OpenSSL does not support.
 */
export const verifyRomSignature: RomSignatureVerifier = (block, feed) => {
  const key = publicKeyOf(block);
  if (key === undefined) return false;
  const verify = createVerify(block.scheme === "ecdsa-p384" ? "sha384" : "sha256");
  feed((bytes) => verify.update(bytes));
  const { signature } = block;
  if (block.scheme === "rsa-3072") {
    return verify.verify(
      { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: SALT_SIZE },
      bigEndian(signature),
    );
  }
  const [r, s] = halvesOf(signature);
  return verify.verify({ key, dsaEncoding: "ieee-p1363" }, Buffer.concat([bigEndian(r), bigEndian(s)]));
};

function publicKeyOf({ scheme, publicKey }: SignatureBlock): KeyObject | undefined {
  try {
    return createPublicKey({
      format: "jwk",
      key: scheme === "rsa-3072" ? rsaKey(publicKey) : ecKey(scheme, publicKey),
    });
  } catch {
    return undefined;
  }
}

/** Converts a key in a block: n, e, and two numbers that only the ROM's multiplier needs. */
function rsaKey(bytes: Uint8Array): JsonWebKey {
  const exponent = new Uint8Array(4);
  viewOf(exponent).setUint32(0, viewOf(bytes).getUint32(MODULUS_SIZE, true));
  const n = bigEndian(bytes.subarray(0, MODULUS_SIZE)).toString("base64url");
  return { kty: "RSA", n, e: Buffer.from(exponent).toString("base64url") };
}

/** Converts a key in a block: the curve's number, then x and y. */
function ecKey(scheme: SignatureBlock["scheme"], bytes: Uint8Array): JsonWebKey {
  const [x, y] = halvesOf(bytes.subarray(1)).map((half) => bigEndian(half).toString("base64url"));
  return { kty: "EC", crv: scheme === "ecdsa-p384" ? "P-384" : "P-256", x: x ?? "", y: y ?? "" };
}

function halvesOf(bytes: Uint8Array): readonly [Uint8Array, Uint8Array] {
  return [bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)];
}

/** Converts a number from the block's little-endian byte order. */
function bigEndian(number: Uint8Array): Buffer {
  return Buffer.from(number.toReversed());
}
