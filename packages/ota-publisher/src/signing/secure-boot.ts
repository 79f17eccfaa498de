import { constants, createPublicKey, type KeyObject, verify } from "node:crypto";
import { concatBytes, equalBytes, OtaError, toHex } from "@tinybms/ota-core";
import {
  parseSignatureBlock,
  SIGNATURE_BLOCK_MAGIC,
  SIGNATURE_BLOCK_SIZE,
  SIGNATURE_SECTOR_SIZE,
  type SignatureBlock,
  type SignatureScheme,
  signatureOffset,
} from "@tinybms/ota-core/esp";
import { parsePem } from "@tinybms/ota-core/signing";

/** The block of a signature sector that a key made. */
export interface SecureBootSignature {
  readonly scheme: SignatureScheme;
  /** Which of the sector's three blocks, from 0. */
  readonly block: number;
  /** SHA-256 of the key's structure, as the eFuse holds it; lower-case hexadecimal. */
  readonly keyDigest: string;
}

/** A public key as signature blocks store it (`ets_secure_boot_sig_block_t`, `ets_ecdsa…`), little-endian. */
interface StoredKey {
  readonly scheme: SignatureScheme;
  readonly bytes: Uint8Array;
}

interface Curve {
  readonly scheme: SignatureScheme;
  readonly id: number;
  readonly size: number;
  readonly pointSize: number;
}

/** Curve id, and sizes of a coordinate and of the whole point as stored, in bytes; by OpenSSL's names. */
const CURVES: Readonly<Record<string, Curve>> = {
  prime192v1: { scheme: "ecdsa-p192", id: 1, size: 24, pointSize: 64 },
  prime256v1: { scheme: "ecdsa-p256", id: 2, size: 32, pointSize: 64 },
  secp384r1: { scheme: "ecdsa-p384", id: 3, size: 48, pointSize: 96 },
};

/**
 * Verifies the signature of Secure Boot v2 behind an image: one block with a right CRC, of this very key, over every byte
 * up to the signature sector.
 *
 * @param bytes - The image with its signature sector.
 * @param imageSize - Size of the image without padding and sector, in bytes.
 * @param pem - The public key: RSA of 3072 bits, or ECDSA on P-192, P-256 or P-384.
 * @returns `undefined` where no block is of the key, or its signature is wrong.
 * @throws OtaError `signing/key-malformed`, `signing/key-unsupported`, `image/signature-invalid` without a sector.
 */
export function verifySecureBoot(bytes: Uint8Array, imageSize: number, pem: string): SecureBootSignature | undefined {
  const key = readKey(pem);
  const stored = storedKeyOf(key);
  const offset = signatureOffset(imageSize);
  if (bytes[offset] !== SIGNATURE_BLOCK_MAGIC || bytes.length < offset + SIGNATURE_BLOCK_SIZE) {
    const message = `no signature of Secure Boot v2 stands behind the image, at 0x${offset.toString(16)}`;
    throw new OtaError("image/signature-invalid", message, { offset });
  }
  const signed = bytes.subarray(0, offset);
  for (let index = 0; index < Math.floor(SIGNATURE_SECTOR_SIZE / SIGNATURE_BLOCK_SIZE); index++) {
    const start = offset + index * SIGNATURE_BLOCK_SIZE;
    if (bytes[start] !== SIGNATURE_BLOCK_MAGIC || bytes.length < start + SIGNATURE_BLOCK_SIZE) return undefined;
    const block = parseSignatureBlock(bytes.subarray(start));
    const isOfKey = block.scheme === stored.scheme && equalBytes(block.publicKey, stored.bytes);
    if (!isOfKey || !block.crcMatches || !isSignature(block, key, signed)) continue;
    return { scheme: block.scheme, block: index, keyDigest: toHex(block.keyDigest) };
  }
  return undefined;
}

function isSignature({ scheme, signature }: SignatureBlock, key: KeyObject, signed: Uint8Array): boolean {
  if (scheme === "rsa-3072") {
    const options = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    return verify("sha256", signed, options, signature.toReversed());
  }
  const size = Object.values(CURVES).find((curve) => curve.scheme === scheme)?.size ?? 0;
  const [r, s] = [signature.slice(0, size).reverse(), signature.slice(size, 2 * size).reverse()];
  const digest = scheme === "ecdsa-p384" ? "sha384" : "sha256";
  return verify(digest, signed, { key, dsaEncoding: "ieee-p1363" }, concatBytes([r, s]));
}

function storedKeyOf(key: KeyObject): StoredKey {
  const { modulusLength, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
  const curve = CURVES[namedCurve];
  if (curve !== undefined) return storedPoint(key, curve);
  if (key.asymmetricKeyType !== "rsa" || modulusLength !== 3072) {
    const type = [key.asymmetricKeyType ?? "unknown", modulusLength ?? namedCurve].filter((it) => it !== "").join("-");
    const message = `Secure Boot v2 takes RSA of 3072 bits, P-192, P-256 or P-384; the key is ${type}`;
    throw new OtaError("signing/key-unsupported", message, { type });
  }
  const { n = "", e = "" } = key.export({ format: "jwk" });
  const modulus = numberOf(n);
  // What the ROM needs for Montgomery multiplication: R² mod n, and −n⁻¹ mod 2³².
  const r = 2n ** 6144n % modulus;
  const fields = [littleEndian(modulus, 384), littleEndian(numberOf(e), 4), littleEndian(r, 384)];
  return { scheme: "rsa-3072", bytes: concatBytes([...fields, littleEndian(minusInverse(modulus), 4)]) };
}

/** An uncompressed point ends a SubjectPublicKeyInfo: 0x04, x and y, big-endian. */
function storedPoint(key: KeyObject, { scheme, id, size, pointSize }: Curve): StoredKey {
  const point = new Uint8Array(key.export({ format: "der", type: "spki" })).slice(-1 - 2 * size);
  if (point[0] !== 4) throw new OtaError("signing/key-unsupported", "the key's point is compressed", { type: "ec" });
  const [x, y] = [point.slice(1, 1 + size).reverse(), point.slice(1 + size).reverse()];
  const padding = new Uint8Array(pointSize - 2 * size);
  return { scheme, bytes: concatBytes([Uint8Array.of(id), x, y, padding]) };
}

/** −n⁻¹ modulo 2³², by Newton's iteration: each step doubles the bits that are right. */
function minusInverse(odd: bigint): bigint {
  const modulus = 2n ** 32n;
  let inverse = 1n;
  for (let step = 0; step < 5; step++) inverse = BigInt.asUintN(32, inverse * (2n - odd * inverse));
  return (modulus - inverse) % modulus;
}

function readKey(pem: string): KeyObject {
  const { label } = parsePem(pem);
  try {
    if (label === "PUBLIC KEY") return createPublicKey(pem);
  } catch {
    // told below
  }
  throw new OtaError("signing/key-malformed", `the file holds ${label}; it must hold a public key (PUBLIC KEY)`, {});
}

/** Of base64url, as a JWK has it. */
function numberOf(text: string): bigint {
  return BigInt(`0x${toHex(Buffer.from(text, "base64url"))}`);
}

function littleEndian(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}
