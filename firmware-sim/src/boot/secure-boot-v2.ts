import { equalBytes, isOtaError } from "@tinybms/ota-core";
import {
  parseSignatureBlock,
  SIGNATURE_BLOCK_SIZE,
  type SignatureBlock,
  type SignatureScheme,
} from "@tinybms/ota-core/esp";
import { EspErr } from "../esp-err/esp-err.ts";
import type { Efuse } from "./efuse.ts";

/** Signatures that a build accepts, and the function that verifies them. */
export interface SignedApps {
  /** `CONFIG_SECURE_SIGNED_APPS_RSA_SCHEME`, or `…_ECDSA_V2_SCHEME` with its curve. */
  readonly scheme: SignatureScheme;
  /** Implementation of the ROM's or the library's routine, such as `verifyRomSignature`. */
  readonly verify: RomSignatureVerifier;
}

/**
 * Verifies one signature. Synchronous, because the boot state machine doesn't wait.
 *
 * @param feed - Passes all signed bytes in order to its callback, which must not keep them.
 */
export type RomSignatureVerifier = (
  block: SignatureBlock,
  feed: (visit: (bytes: Uint8Array) => void) => void,
) => boolean;

/** Policy for accepting signatures. */
export interface SignaturePolicy extends SignedApps {
  /** Digests of the trusted public keys; `any` trusts the key in the image. */
  readonly trusted: readonly Uint8Array[] | "any";
  /** Maximum number of signature blocks that are read. */
  readonly blocksMax: number;
  /** Number of digest bytes that are compared: 32, or 16 on ESP32-C2. */
  readonly digestSize: number;
}

/** Result: ESP_OK; 0x2002 without a valid signature by a trusted key; ESP_FAIL without any trusted key. */
export interface SignatureVerdict {
  readonly err: number;
  /** ESP-IDF's log line. */
  readonly reason: string;
}

/**
 * Verifies a signature sector (`esp_secure_boot_verify_sbv2_signature_block`). Succeeds if any well-formed block has a
 * trusted key and a valid signature. Skips blocks that are malformed or whose key isn't trusted.
 *
 * Does not check the digest stated in a block, as ESP-IDF's own code doesn't.
 *
 * @param sector - The 4096 bytes after the image.
 * @param feed - Passes the bytes from the start of the image to the sector.
 */
export function verifySignatureSector(
  sector: Uint8Array,
  feed: (visit: (bytes: Uint8Array) => void) => void,
  policy: SignaturePolicy,
): SignatureVerdict {
  const { trusted, digestSize } = policy;
  if (trusted.length === 0) return { err: EspErr.ESP_FAIL, reason: "no trusted key digests" };
  const isTrusted = ({ keyDigest }: SignatureBlock) =>
    trusted === "any" ||
    trusted.some((digest) => equalBytes(digest.subarray(0, digestSize), keyDigest.subarray(0, digestSize)));
  const signed = wholeBlocksOf(sector, policy).some((block) => isTrusted(block) && policy.verify(block, feed));
  if (signed) return { err: EspErr.ESP_OK, reason: "" };
  return { err: EspErr.ESP_ERR_IMAGE_INVALID, reason: "Secure boot signature verification failed" };
}

/** Returns the digests of the keys in a sector's well-formed blocks. */
export function keyDigestsOf(
  sector: Uint8Array,
  limits: Pick<SignaturePolicy, "scheme" | "blocksMax">,
): readonly Uint8Array[] {
  return wholeBlocksOf(sector, limits).map(({ keyDigest }) => keyDigest);
}

/** Returns the policy of a bootloader. Before any digest is burned, it trusts the key in the image. */
export function bootloaderPolicy(efuse: Efuse, signed: SignedApps | undefined): SignaturePolicy | undefined {
  if (signed === undefined) return undefined;
  return signaturePolicy(efuse, signed, efuse.hasKeyDigests ? efuse.trustedKeyDigests : "any");
}

/** Returns a policy with the limits of the chip. */
export function signaturePolicy(
  { chip }: Efuse,
  { scheme, verify }: SignedApps,
  trusted: SignaturePolicy["trusted"],
): SignaturePolicy {
  const digestSize = chip.name === "esp32c2" ? 16 : 32;
  return { scheme, verify, trusted, blocksMax: chip.secureBootKeyDigests, digestSize };
}

/** Returns the blocks that `validate_signature_block` accepts: with correct CRC, scheme and curve. */
function wholeBlocksOf(
  sector: Uint8Array,
  { scheme, blocksMax }: Pick<SignaturePolicy, "scheme" | "blocksMax">,
): readonly SignatureBlock[] {
  const blocks = Array.from({ length: blocksMax }, (_, index) =>
    parseOrSkip(sector.subarray(index * SIGNATURE_BLOCK_SIZE)),
  );
  return blocks.filter((block) => block !== undefined).filter((block) => block.crcMatches && block.scheme === scheme);
}

function parseOrSkip(bytes: Uint8Array): SignatureBlock | undefined {
  try {
    return parseSignatureBlock(bytes);
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}
