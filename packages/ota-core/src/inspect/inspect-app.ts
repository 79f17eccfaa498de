import { equalBytes, toHex } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { formatHex } from "../format-hex.ts";
import {
  APP_DESCRIPTOR_OFFSET,
  APP_DESCRIPTOR_SIZE,
  type AppDescriptor,
  parseAppDescriptor,
} from "../image/app-descriptor.ts";
import { type AppImage, SEGMENTS_MAX } from "../image/app-image.ts";
import { APP_IMAGE_HEADER_SIZE, type AppImageHeader, parseAppImageHeader } from "../image/app-image-header.ts";
import { parseAppImage } from "../image/app-image-scanner.ts";
import { findBootloaderDescriptor } from "../image/bootloader-descriptor.ts";
import { chipById } from "../image/chips.ts";
import { sha256 } from "../sha256.ts";
import { Findings } from "./findings.ts";
import { checkMapping, isMapped, memoryOf, noteUnmapped, walkSegments } from "./image-segments.ts";
import { inspectSignature } from "./inspect-signature.ts";
import type { AppImageInspection, BootloaderInspection, InspectedSegment } from "./inspection.ts";

const FLASH_MODES = ["qio", "qout", "dio", "dout", "fast-read", "slow-read"] as const;

/** Revisions that mean "not set". */
const NO_REVISION: readonly number[] = [0, 0xffff];

/** Place of an image. In a partition, bytes after it are ignored, as the bootloader does. */
export type ImagePlace = "file" | "partition";

/**
 * Inspects an image that begins with 0xE9: an app, or a bootloader (which has no segment that is mapped from flash).
 *
 * @param bytes - The image and the bytes after it.
 */
export function inspectApp(bytes: Uint8Array, place: ImagePlace): AppImageInspection | BootloaderInspection {
  const findings = new Findings();
  const header = bytes.length < APP_IMAGE_HEADER_SIZE ? undefined : parseAppImageHeader(bytes);
  const image = parse(bytes, findings);
  const segments = describeSegments(bytes, header);
  if (header !== undefined) checkHeader(header, segments, findings);
  if (image !== undefined) checkSums(image, findings);

  const common = {
    ...describeHeader(header),
    segments,
    ...describeImage(image),
    ...describeTrailing(bytes, image, findings),
    sha256: toHex(sha256(bytes)),
  };
  const descriptor = image === undefined ? descriptorOfTorn(bytes) : image.descriptor;
  if (descriptor === undefined && header !== undefined && isBootloader(bytes, header, segments)) {
    const ofBootloader = findBootloaderDescriptor(bytes) ?? null;
    return { type: "bootloader", ...findings.result(bytes.length), ...common, descriptor: ofBootloader };
  }
  checkMapping(segments, descriptor?.mmuPageSize ?? 0, findings);
  noteUnmapped(segments, findings);
  if (descriptor !== undefined) checkBlockRevision(header, descriptor, findings);
  checkDescriptor(image, findings);
  if (place === "file" && (common.trailing === "erased" || common.trailing === "data")) {
    const what = common.trailing === "erased" ? "bytes of 0xff" : "bytes that are not part of it";
    const message = `${common.trailingSize} ${what} follow the image; deploy accepts it only without them`;
    findings.note("image/invalid", message, common.imageSize ?? 0, "/trailing");
  }
  return {
    type: "app-image",
    ...findings.result(bytes.length),
    ...common,
    descriptor: describeDescriptor(descriptor),
  };
}

function parse(bytes: Uint8Array, findings: Findings): AppImage | undefined {
  try {
    return parseAppImage(bytes);
  } catch (error) {
    if (!isOtaError(error)) throw error;
    const offset = "offset" in error.details && typeof error.details.offset === "number" ? error.details.offset : 0;
    const message = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
    findings.problem(error.code, message, offset);
    return undefined;
  }
}

/** Parses the descriptor of a truncated image, if it is complete. */
function descriptorOfTorn(bytes: Uint8Array): AppDescriptor | undefined {
  try {
    return parseAppDescriptor(bytes.subarray(APP_DESCRIPTOR_OFFSET));
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}

/** Returns `true` for a bootloader. All of its segments are copied, because it runs before flash is mapped. */
function isBootloader(bytes: Uint8Array, header: AppImageHeader, segments: readonly InspectedSegment[]): boolean {
  if (findBootloaderDescriptor(bytes) !== undefined) return true;
  if (chipById(header.chipId) === undefined || segments.length === 0) return false;
  return !segments.some(isMapped) && segments.every(({ memory }) => memory !== "padding");
}

function checkHeader(header: AppImageHeader, segments: readonly InspectedSegment[], findings: Findings): void {
  const { chipId, minChipRevisionFull: min, maxChipRevisionFull: max } = header;
  if (chipById(chipId) === undefined) {
    const message = `chip id 0x${chipId.toString(16).padStart(4, "0")} does not belong to a chip of the ESP32 family`;
    findings.problem("image/wrong-chip", message, 12, "/chipId");
  }
  if (segments.length === 0 && header.segmentCount === 0) {
    findings.problem("image/invalid", "the image has no segments; it must have at least one", 1, "/segments");
  }
  if (!NO_REVISION.includes(max) && min > max) {
    const message = `no chip can run it: it requires revision ${revision(min)} or later, and ${revision(max)} or earlier`;
    findings.problem("image/invalid", message, 15, "/minChipRevision");
  }
}

/** Reports limits of the eFuse block revision that no chip can meet. */
function checkBlockRevision(
  header: AppImageHeader | undefined,
  { minEfuseBlockRevision: min, maxEfuseBlockRevision: max }: AppDescriptor,
  findings: Findings,
): void {
  if (NO_REVISION.includes(max) || min <= max || chipById(header?.chipId ?? 0)?.checksBlockRevision === false) return;
  const message = `no chip can run it: it requires eFuse block revision ${revision(min)} or later, and ${revision(max)} or earlier`;
  findings.problem("image/invalid", message, APP_DESCRIPTOR_OFFSET + 176, "/descriptor/minEfuseBlockRevision");
}

/** Checks checksum and hash independently. */
function checkSums({ checksum, appendedHash }: AppImage, findings: Findings): void {
  if (checksum.stored !== checksum.computed) {
    const [stored, computed] = [formatHex(checksum.stored, 2), formatHex(checksum.computed, 2)];
    const message = `the checksum is ${stored}, but the segments sum to ${computed}: the image is damaged`;
    findings.problem("image/checksum-mismatch", message, checksum.offset, "/checksum");
  }
  if (appendedHash === undefined) {
    findings.note("image/invalid", "the image has no SHA-256: only an 8-bit checksum protects it");
  } else if (!equalBytes(appendedHash.stored, appendedHash.computed)) {
    const [stored, computed] = [toHex(appendedHash.stored), toHex(appendedHash.computed)];
    const message = `the SHA-256 is ${stored}, but the image hashes to ${computed}: the image is damaged`;
    findings.problem("image/hash-mismatch", message, appendedHash.offset, "/hash");
  }
}

function checkDescriptor(image: AppImage | undefined, findings: Findings): void {
  if (image === undefined || image.descriptor !== undefined) return;
  const [first] = image.segments;
  const tooShort = first !== undefined && first.dataSize < APP_DESCRIPTOR_SIZE;
  const why = tooShort
    ? `segment 0 has ${first.dataSize} bytes; a descriptor needs ${APP_DESCRIPTOR_SIZE}`
    : "the magic word is not there";
  const message = `the app has no descriptor at 0x${APP_DESCRIPTOR_OFFSET.toString(16)}: ${why}`;
  findings.problem("image/invalid", message, APP_DESCRIPTOR_OFFSET, "/descriptor");
}

function describeHeader(header: AppImageHeader | undefined) {
  if (header === undefined) {
    const none = { chip: null, chipId: null, minChipRevision: null, maxChipRevision: null };
    return { ...none, flashMode: null, flashSize: null, entryAddress: null };
  }
  const { chipId, minChipRevisionFull: min, maxChipRevisionFull: max, spiMode, spiSize, entryAddress } = header;
  return {
    chip: chipById(chipId)?.name ?? null,
    chipId,
    minChipRevision: min === 0 ? null : revision(min),
    maxChipRevision: NO_REVISION.includes(max) ? null : revision(max),
    flashMode: FLASH_MODES[spiMode] ?? `0x${spiMode.toString(16)}`,
    flashSize: spiSize <= 7 ? 2 ** spiSize * 0x10_0000 : null,
    entryAddress,
  };
}

function describeSegments(bytes: Uint8Array, header: AppImageHeader | undefined): InspectedSegment[] {
  if (header === undefined || header.segmentCount > SEGMENTS_MAX) return [];
  const chip = chipById(header.chipId);
  return walkSegments(bytes, header.segmentCount).map(({ loadAddress, dataOffset, dataSize }) => ({
    loadAddress,
    offset: dataOffset,
    size: dataSize,
    memory: memoryOf(chip, loadAddress),
  }));
}

function describeImage(image: AppImage | undefined) {
  if (image === undefined) return { imageSize: null, checksum: null, hash: null };
  const { imageSize, checksum, appendedHash } = image;
  const hash = appendedHash && {
    offset: appendedHash.offset,
    stored: toHex(appendedHash.stored),
    computed: toHex(appendedHash.computed),
    matches: equalBytes(appendedHash.stored, appendedHash.computed),
  };
  return { imageSize, checksum: { ...checksum, matches: checksum.stored === checksum.computed }, hash: hash ?? null };
}

function describeTrailing(bytes: Uint8Array, image: AppImage | undefined, findings: Findings) {
  if (image === undefined) return { trailingSize: 0, trailing: "nothing", signature: null } as const;
  const { imageSize, trailingSize } = image;
  if (trailingSize === 0) return { trailingSize, trailing: "nothing", signature: null } as const;
  const signature = inspectSignature(bytes, imageSize, findings);
  if (signature !== null) return { trailingSize, trailing: "signature", signature } as const;
  const isErased = bytes.subarray(imageSize).every((byte) => byte === 0xff);
  return { trailingSize, trailing: isErased ? "erased" : "data", signature: null } as const;
}

function describeDescriptor(descriptor: AppDescriptor | undefined): AppImageInspection["descriptor"] {
  if (descriptor === undefined) return null;
  const { reserved1: _1, reserved2: _2, reserved3: _3, appElfSha256, ...fields } = descriptor;
  return { ...fields, appElfSha256: toHex(appElfSha256) };
}

/** Formats a revision as major.minor. */
function revision(full: number): string {
  return `${Math.floor(full / 100)}.${full % 100}`;
}
