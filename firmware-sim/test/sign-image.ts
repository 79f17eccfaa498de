import { constants, createPublicKey, createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { concatBytes, sha256, viewOf } from "@tinybms/ota-core";
import { buildSignatureBlock, SIGNATURE_SECTOR_SIZE, type SignatureBlock } from "@tinybms/ota-core/esp";

/** A key that signs images in tests. */
export interface SigningKey {
  readonly scheme: "rsa-3072" | "ecdsa-p256";
  readonly privateKey: KeyObject;
}

/** Creates a key. RSA takes a second. */
export function makeSigningKey(scheme: SigningKey["scheme"]): SigningKey {
  const { privateKey } =
    scheme === "rsa-3072"
      ? generateKeyPairSync("rsa", { modulusLength: 3072 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { scheme, privateKey };
}

/** Pads an image to whole sectors and appends its signature sector, with one block for each key, as espsecure does. */
export function signImage(image: Uint8Array, ...keys: readonly SigningKey[]): Uint8Array {
  const padded = new Uint8Array(Math.ceil(image.length / SIGNATURE_SECTOR_SIZE) * SIGNATURE_SECTOR_SIZE).fill(0xff);
  padded.set(image);
  const sector = new Uint8Array(SIGNATURE_SECTOR_SIZE).fill(0xff);
  sector.set(concatBytes(keys.map((key) => buildSignatureBlock(signatureOf(key, padded)))));
  return concatBytes([padded, sector]);
}

/** Returns the digest of a key to burn into the eFuses. */
export function keyDigestOf(key: SigningKey): Uint8Array {
  return sha256(publicKeyOf(key));
}

function signatureOf(key: SigningKey, padded: Uint8Array): Omit<SignatureBlock, "keyDigest" | "crcMatches"> {
  const sign = createSign("sha256").update(padded);
  const { scheme, privateKey } = key;
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const signature =
    scheme === "rsa-3072"
      ? reversed(sign.sign({ key: privateKey, padding, saltLength: 32 }))
      : halvesReversed(sign.sign({ key: privateKey, dsaEncoding: "ieee-p1363" }));
  return { scheme, imageDigest: sha256(padded), publicKey: publicKeyOf(key), signature };
}

/** Returns n, e, R = 2^6144 mod n and M' = −1/n mod 2^32 of RSA; curve 2, x and y of P-256. */
function publicKeyOf({ scheme, privateKey }: SigningKey): Uint8Array {
  const { n = "", x = "", y = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  const number = (text: string) => reversed(Buffer.from(text, "base64url"));
  if (scheme === "ecdsa-p256") return concatBytes([Uint8Array.of(2), number(x), number(y)]);
  const modulus = BigInt(`0x${Buffer.from(n, "base64url").toString("hex")}`);
  const key = new Uint8Array(776);
  key.set(number(n));
  viewOf(key).setUint32(384, 65537, true);
  key.set(littleEndian((1n << 6144n) % modulus), 388);
  viewOf(key).setUint32(772, Number(montgomeryOf(modulus & 0xffff_ffffn)), true);
  return key;
}

/** Computes −1/n mod 2^32 by Newton's iteration: each round doubles the number of correct bits. */
function montgomeryOf(low: bigint): bigint {
  let inverse = 1n;
  for (let round = 0; round < 5; round++) inverse = (inverse * (2n - low * inverse)) & 0xffff_ffffn;
  return -inverse & 0xffff_ffffn;
}

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 384 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

function reversed(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes.toReversed());
}

function halvesReversed(bytes: Uint8Array): Uint8Array {
  return concatBytes([reversed(bytes.subarray(0, 32)), reversed(bytes.subarray(32))]);
}
