import { sha384 } from "@noble/hashes/sha2.js";
import { viewOf } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import { OtaError } from "../errors.ts";
import { sha256 } from "../sha256.ts";

/** Size of a signature block in bytes (`ets_secure_boot_sig_block_t`). */
export const SIGNATURE_BLOCK_SIZE = 1216;

/** Size and alignment of the sector that contains up to three signature blocks, in bytes. */
export const SIGNATURE_SECTOR_SIZE = 4096;

/** First byte of a signature block (`ETS_SECURE_BOOT_V2_SIGNATURE_MAGIC`). */
export const SIGNATURE_BLOCK_MAGIC = 0xe7;

const CRC_OFFSET = 1196;

/** Signature scheme of Secure Boot v2. */
export type SignatureScheme = "rsa-3072" | "ecdsa-p192" | "ecdsa-p256" | "ecdsa-p384";

/** One signature block of Secure Boot v2. */
export interface SignatureBlock {
  readonly scheme: SignatureScheme;
  /** Digest of the signed bytes as stated in the block: SHA-256 (32 bytes), or SHA-384 (48 bytes) with P-384. */
  readonly imageDigest: Uint8Array;
  /** SHA-256 of the public key's structure, as burned into the eFuses (`SECURE_BOOT_DIGEST`). */
  readonly keyDigest: Uint8Array;
  /** The public key as stored, little-endian: n, e, R and M′ of RSA, curve and point of ECDSA. */
  readonly publicKey: Uint8Array;
  /** The signature as stored, little-endian: RSA-PSS, or r and s of ECDSA. */
  readonly signature: Uint8Array;
  /** Whether the CRC-32 over the block is right. The ROM skips a block with a wrong CRC. */
  readonly crcMatches: boolean;
}

/** Fields of a block: [offset, size] in bytes. */
interface BlockLayout {
  readonly digest: readonly [number, number];
  readonly publicKey: readonly [number, number];
  readonly signature: readonly [number, number];
}

const LAYOUTS: Readonly<Record<SignatureScheme, BlockLayout>> = {
  "rsa-3072": { digest: [4, 32], publicKey: [36, 776], signature: [812, 384] },
  "ecdsa-p192": { digest: [4, 32], publicKey: [36, 65], signature: [101, 64] },
  "ecdsa-p256": { digest: [4, 32], publicKey: [36, 65], signature: [101, 64] },
  "ecdsa-p384": { digest: [4, 48], publicKey: [52, 97], signature: [149, 96] },
};

/** `curve_id` of an ECDSA key. */
const CURVES: ReadonlyMap<number, SignatureScheme> = new Map([
  [1, "ecdsa-p192"],
  [2, "ecdsa-p256"],
]);
const P384_CURVE_ID = 3;

/**
 * Parses a signature block. Does not verify the signature; a wrong CRC is not an error here.
 *
 * @param bytes - At least 1216 bytes; only the first 1216 are read. The result shares no memory with them.
 * @throws {@link OtaError} `image/truncated` if there are fewer bytes.
 * @throws {@link OtaError} `image/bad-magic` if the first byte isn't 0xE7.
 * @throws {@link OtaError} `image/signature-invalid` if version or curve are unknown.
 * @see ESP-IDF, `rom/secure_boot.h` and `docs/en/security/secure-boot-v2.rst`.
 */
export function parseSignatureBlock(bytes: Uint8Array): SignatureBlock {
  if (bytes.length < SIGNATURE_BLOCK_SIZE) {
    const message = `the signature block is ${bytes.length} bytes; it must be ${SIGNATURE_BLOCK_SIZE}`;
    throw new OtaError("image/truncated", message, { offset: 0, needed: SIGNATURE_BLOCK_SIZE, actual: bytes.length });
  }
  const magic = bytes[0] ?? 0;
  if (magic !== SIGNATURE_BLOCK_MAGIC) {
    const message = `the signature block begins with 0x${magic.toString(16)}; it must begin with 0xe7`;
    throw new OtaError("image/bad-magic", message, { offset: 0, found: magic, expected: SIGNATURE_BLOCK_MAGIC });
  }
  const scheme = schemeOf(bytes);
  const { digest, publicKey, signature } = LAYOUTS[scheme];
  const field = ([offset, size]: readonly [number, number]) => Uint8Array.from(bytes.subarray(offset, offset + size));
  return {
    scheme,
    imageDigest: field(digest),
    keyDigest: sha256(field(publicKey)),
    publicKey: field(publicKey),
    signature: field(signature),
    crcMatches: viewOf(bytes).getUint32(CRC_OFFSET, true) === crc32(bytes.subarray(0, CRC_OFFSET)),
  };
}

/**
 * Builds the 1216 bytes of a signature block with a valid CRC, as `espsecure sign-data` does.
 *
 * @throws {@link OtaError} `image/signature-invalid` if a field does not have the size that the scheme requires, or the
 *   public key has another curve.
 */
export function buildSignatureBlock(
  block: Pick<SignatureBlock, "scheme" | "imageDigest" | "publicKey" | "signature">,
): Uint8Array {
  const { scheme, imageDigest, publicKey, signature } = block;
  const layout = LAYOUTS[scheme];
  const bytes = new Uint8Array(SIGNATURE_BLOCK_SIZE);
  bytes.set([SIGNATURE_BLOCK_MAGIC, scheme === "rsa-3072" ? 2 : 3, scheme === "ecdsa-p384" ? 1 : 0]);
  const set = (name: string, value: Uint8Array, [offset, size]: readonly [number, number]) => {
    if (value.length !== size) throw invalid(`${name} is ${value.length} bytes; it must be ${size}`, offset);
    bytes.set(value, offset);
  };
  set("the image digest", imageDigest, layout.digest);
  set("the public key", publicKey, layout.publicKey);
  set("the signature", signature, layout.signature);
  if (schemeOf(bytes) !== scheme) throw invalid(`the curve of the public key isn't that of ${scheme}`, 36);
  viewOf(bytes).setUint32(CRC_OFFSET, crc32(bytes.subarray(0, CRC_OFFSET)), true);
  return bytes;
}

/**
 * Computes the digest that a scheme signs.
 *
 * @param signed - All bytes from the start of the image to the signature sector, a multiple of 4096.
 */
export function signedDigest(scheme: SignatureScheme, signed: Uint8Array): Uint8Array {
  return scheme === "ecdsa-p384" ? sha384(signed) : sha256(signed);
}

/**
 * Returns the offset of an image's signature sector in bytes: the next multiple of 4096.
 *
 * @param imageSize - Size of the image in bytes.
 */
export function signatureOffset(imageSize: number): number {
  return Math.ceil(imageSize / SIGNATURE_SECTOR_SIZE) * SIGNATURE_SECTOR_SIZE;
}

function schemeOf(bytes: Uint8Array): SignatureScheme {
  const [, version = 0, shaVersion = 0] = bytes;
  if (version === 2) return "rsa-3072";
  if (version !== 3)
    throw invalid(`the version of the signature block is ${version}; it must be 2 (RSA) or 3 (ECDSA)`, 1);
  if (shaVersion === 1 && bytes[52] === P384_CURVE_ID) return "ecdsa-p384";
  const scheme = shaVersion === 0 ? CURVES.get(bytes[36] ?? 0) : undefined;
  if (scheme !== undefined) return scheme;
  throw invalid(
    "the curve of the signature block is unknown; it must be P-192, P-256 or P-384",
    shaVersion === 1 ? 52 : 36,
  );
}

function invalid(message: string, offset: number): OtaError<"image/signature-invalid"> {
  return new OtaError("image/signature-invalid", message, { offset });
}
