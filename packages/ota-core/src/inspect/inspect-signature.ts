import { equalBytes, toHex } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import {
  parseSignatureBlock,
  SIGNATURE_BLOCK_MAGIC,
  SIGNATURE_BLOCK_SIZE,
  SIGNATURE_SECTOR_SIZE,
  type SignatureScheme,
  signatureOffset,
  signedDigest,
} from "../image/signature-block.ts";
import { Findings } from "./findings.ts";
import type { InspectedSignature, InspectedSignatureBlock, SignatureBlockInspection } from "./inspection.ts";

/** Size of a signature of Secure Boot v1 in bytes: a version word and 64 bytes. */
const V1_SIGNATURE_SIZE = 68;

/** Inspects a signature sector, or a single block, without its image. */
export function inspectSignatureBlock(bytes: Uint8Array): SignatureBlockInspection {
  const findings = new Findings();
  const blocks = readBlocks(bytes, 0, undefined, findings);
  return { type: "signature-block", ...findings.result(bytes.length), blocks };
}

/**
 * Inspects the signature after an image. Returns `undefined` if there is no signature.
 *
 * @param bytes - The image and the bytes after it.
 * @param imageSize - Size of the image in bytes.
 */
export function inspectSignature(bytes: Uint8Array, imageSize: number, findings: Findings): InspectedSignature | null {
  const offset = signatureOffset(imageSize);
  if (bytes[offset] === SIGNATURE_BLOCK_MAGIC) {
    const blocks = readBlocks(bytes.subarray(0, offset + SIGNATURE_SECTOR_SIZE), offset, offset, findings);
    return { offset, version: 2, blocks };
  }
  const v1 = bytes.subarray(imageSize);
  if (v1.length !== V1_SIGNATURE_SIZE || v1.subarray(0, 4).some((byte) => byte !== 0)) return null;
  findings.note(
    "image/signature-invalid",
    "a signature of Secure Boot v1 follows the image; it is not checked",
    imageSize,
  );
  return { offset: imageSize, version: 1, blocks: [] };
}

/**
 * Reads the blocks of a signature sector.
 *
 * @param signedSize - Number of signed bytes before the sector; `undefined` if the image isn't in the file.
 */
function readBlocks(
  bytes: Uint8Array,
  start: number,
  signedSize: number | undefined,
  findings: Findings,
): InspectedSignatureBlock[] {
  const blocks: InspectedSignatureBlock[] = [];
  const digests = new Map<SignatureScheme, Uint8Array>();
  const path = signedSize === undefined ? "/blocks" : "/signature/blocks";
  for (
    let offset = start;
    offset + SIGNATURE_BLOCK_SIZE <= start + SIGNATURE_SECTOR_SIZE;
    offset += SIGNATURE_BLOCK_SIZE
  ) {
    if (offset > start && bytes[offset] !== SIGNATURE_BLOCK_MAGIC) break;
    const at = `${path}/${blocks.length}`;
    try {
      const { scheme, imageDigest, keyDigest, crcMatches } = parseSignatureBlock(bytes.subarray(offset));
      let imageDigestMatches: boolean | null = null;
      if (signedSize !== undefined) {
        const digest = digests.get(scheme) ?? signedDigest(scheme, bytes.subarray(0, signedSize));
        digests.set(scheme, digest);
        imageDigestMatches = equalBytes(digest, imageDigest);
        if (!imageDigestMatches) {
          const message = `the image hashes to ${toHex(digest)}, but the signature covers ${toHex(imageDigest)}`;
          findings.problem("image/signature-invalid", message, offset, at);
        }
      }
      if (!crcMatches)
        findings.problem("image/signature-invalid", "the CRC of the signature block is wrong", offset, at);
      const hex = { keyDigest: toHex(keyDigest), imageDigest: toHex(imageDigest) };
      blocks.push({ offset, scheme, ...hex, crcMatches, imageDigestMatches });
    } catch (error) {
      if (!isOtaError(error)) throw error;
      findings.problem(error.code, error.message, offset, at);
      break;
    }
  }
  return blocks;
}
