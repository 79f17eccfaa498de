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

/** Block in a signature sector that a key signed. */
export interface SecureBootSignature {
  readonly scheme: SignatureScheme;
  /** Index of the block in the sector, from 0 to 2. */
  readonly block: number;
  /** SHA-256 of the key's structure, as in the eFuse; lower-case hexadecimal. */
  readonly keyDigest: string;
}

/** Public key in the format of signature blocks (`ets_secure_boot_sig_block_t`, `ets_ecdsa…`), little-endian. */
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

/** Curves by OpenSSL's names: curve id, and sizes of a coordinate and of the stored point, in bytes. */
const CURVES: Readonly<Record<string, Curve>> = {
  prime192v1: { scheme: "ecdsa-p192", id: 1, size: 24, pointSize: 64 },
  prime256v1: { scheme: "ecdsa-p256", id: 2, size: 32, pointSize: 64 },
  secp384r1: { scheme: "ecdsa-p384", id: 3, size: 48, pointSize: 96 },
};

/**
 * Verifies the Secure Boot v2 signature after an image: looks for a block of this key with a matching CRC whose
 * signature covers all bytes up to the signature sector.
 *
 * @param bytes - Image with its signature sector.
 * @param imageSize - Size of the image without padding and sector, in bytes.
 * @param pem - Public key: RSA with 3072 bits, or ECDSA on P-192, P-256 or P-384.
 * @returns `undefined` if no block has a valid signature of this key.
 * @throws {@link OtaError} `signing/key-malformed`, `signing/key-unsupported`; `image/signature-invalid` if there is no
 *   signature sector.
 */
export function verifySecureBoot(bytes: Uint8Array, imageSize: number, pem: string): SecureBootSignature | undefined {
  const key = readKey(pem);
  const stored = storedKeyOf(key);
  const offset = signatureOffset(imageSize);
  if (bytes[offset] !== SIGNATURE_BLOCK_MAGIC || bytes.length < offset + SIGNATURE_BLOCK_SIZE) {
    const message = `there is no Secure Boot v2 signature after the image, at 0x${offset.toString(16)}`;
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
    const message = `Secure Boot v2 needs RSA with 3072 bits, P-192, P-256 or P-384; the key is ${type}`;
    throw new OtaError("signing/key-unsupported", message, { type });
  }
  const { n = "", e = "" } = key.export({ format: "jwk" });
  const modulus = numberOf(n);
  // The ROM's constants for Montgomery multiplication: R² mod n, and −n⁻¹ mod 2³².
  const r = 2n ** 6144n % modulus;
  const fields = [littleEndian(modulus, 384), littleEndian(numberOf(e), 4), littleEndian(r, 384)];
  return { scheme: "rsa-3072", bytes: concatBytes([...fields, littleEndian(minusInverse(modulus), 4)]) };
}

/** Extracts the uncompressed point at the end of a SubjectPublicKeyInfo: 0x04, x and y, big-endian. */
function storedPoint(key: KeyObject, { scheme, id, size, pointSize }: Curve): StoredKey {
  const point = new Uint8Array(key.export({ format: "der", type: "spki" })).slice(-1 - 2 * size);
  if (point[0] !== 4) throw new OtaError("signing/key-unsupported", "the key's point is compressed", { type: "ec" });
  const [x, y] = [point.slice(1, 1 + size).reverse(), point.slice(1 + size).reverse()];
  const padding = new Uint8Array(pointSize - 2 * size);
  return { scheme, bytes: concatBytes([Uint8Array.of(id), x, y, padding]) };
}

/** Computes −n⁻¹ modulo 2³² by Newton's iteration, each step of which doubles the number of correct bits. */
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
    // The error below covers this.
  }
  throw new OtaError("signing/key-malformed", `the file holds ${label}; it must hold a public key (PUBLIC KEY)`, {});
}

/** Decodes a number in base64url, as in a JWK. */
function numberOf(text: string): bigint {
  return BigInt(`0x${toHex(Buffer.from(text, "base64url"))}`);
}

function littleEndian(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}
