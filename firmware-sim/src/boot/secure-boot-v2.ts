import { equalBytes, isOtaError } from "@tinybms/ota-core";
import {
  parseSignatureBlock,
  SIGNATURE_BLOCK_SIZE,
  type SignatureBlock,
  type SignatureScheme,
} from "@tinybms/ota-core/esp";
import { EspErr } from "../esp-err/esp-err.ts";
import type { Efuse } from "./efuse.ts";

/** Which signatures a build takes, and what verifies them. */
export interface SignedApps {
  /** `CONFIG_SECURE_SIGNED_APPS_RSA_SCHEME`, or `…_ECDSA_V2_SCHEME` with its curve. */
  readonly scheme: SignatureScheme;
  /** The ROM's or the library's routine, such as `verifyRomSignature`. */
  readonly verify: SignatureVerifier;
}

/**
 * Verifies one signature, at once: the boot machine doesn't wait.
 *
 * @param feed - Shows all bytes that are signed, in order; they must not be kept.
 */
export type SignatureVerifier = (block: SignatureBlock, feed: (visit: (bytes: Uint8Array) => void) => void) => boolean;

/** Which signatures count. */
export interface SignaturePolicy extends SignedApps {
  /** Digests of the public keys that are trusted; `any`: whatever key the image brings. */
  readonly trusted: readonly Uint8Array[] | "any";
  /** How many blocks of the sector are looked at. */
  readonly blocksMax: number;
  /** How many bytes of a key's digest count: 32, on ESP32-C2 16. */
  readonly digestSize: number;
}

/** What came of it: ESP_OK, 0x2002 without a good signature of a trusted key, ESP_FAIL without a key to trust. */
export interface SignatureVerdict {
  readonly err: number;
  /** ESP-IDF's log line. */
  readonly reason: string;
}

/**
 * Verifies a signature sector (`esp_secure_boot_verify_sbv2_signature_block`): the first block that is whole, of a
 * trusted key and right decides. A block that is not whole, or whose key isn't trusted, is passed over.
 *
 * The digest that a block states is not compared with anything, as in ESP-IDF's own code.
 *
 * @param sector - The 4096 bytes behind the image.
 * @param feed - Shows the image, from its first byte to the sector.
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

/** Digests of the keys in a sector's whole blocks. */
export function keyDigestsOf(
  sector: Uint8Array,
  limits: Pick<SignaturePolicy, "scheme" | "blocksMax">,
): readonly Uint8Array[] {
  return wholeBlocksOf(sector, limits).map(({ keyDigest }) => keyDigest);
}

/** What a bootloader asks for. Before any digest is burnt it trusts the key that the image brings. */
export function bootloaderPolicy(efuse: Efuse, signed: SignedApps | undefined): SignaturePolicy | undefined {
  if (signed === undefined) return undefined;
  return signaturePolicy(efuse, signed, efuse.hasKeyDigests ? efuse.trustedKeyDigests : "any");
}

/** A policy with the limits of the chip. */
export function signaturePolicy(
  { chip }: Efuse,
  { scheme, verify }: SignedApps,
  trusted: SignaturePolicy["trusted"],
): SignaturePolicy {
  const digestSize = chip.name === "esp32c2" ? 16 : 32;
  return { scheme, verify, trusted, blocksMax: chip.secureBootKeyDigests, digestSize };
}

/** The blocks that `validate_signature_block` accepts: right CRC, right scheme and curve. */
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
