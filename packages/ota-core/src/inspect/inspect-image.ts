import { viewOf } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { APP_DESCRIPTOR_MAGIC, APP_DESCRIPTOR_OFFSET } from "../image/app-descriptor.ts";
import { APP_IMAGE_MAGIC } from "../image/app-image-header.ts";
import { parseAppImage } from "../image/app-image-scanner.ts";
import { isEsp8266Image } from "../image/foreign-image.ts";
import { assertImageEnd } from "../image/image-end.ts";
import { SIGNATURE_BLOCK_MAGIC, SIGNATURE_SECTOR_SIZE } from "../image/signature-block.ts";
import { inspectForeign, isBlank, looksLikePartitionCsv, textOf } from "./foreign-file.ts";
import { inspectApp } from "./inspect-app.ts";
import { inspectLocated } from "./inspect-flash.ts";
import { inspectNvs, looksLikeNvs } from "./inspect-nvs.ts";
import { inspectOtadata, looksLikeOtadata } from "./inspect-otadata.ts";
import { inspectPartitionCsv, inspectPartitionTable } from "./inspect-partition-table.ts";
import { inspectSignatureBlock } from "./inspect-signature.ts";
import type { Inspection, InspectOptions } from "./inspection.ts";
import { isFlash, locateInFile } from "./locate-flash.ts";

/**
 * Sizes of flash chips in bytes. A file of such a size that contains only a bootloader is a flash, not a padded image.
 */
const FLASH_SIZES: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128].map((mebibytes) => mebibytes * 0x10_0000);

/**
 * Identifies a file by its content and reports its problems. Never throws for bad input.
 *
 * @param bytes - The whole file. The result shares no memory with them and is JSON-safe.
 */
export function inspectImage(bytes: Uint8Array, options: InspectOptions = {}): Inspection {
  if (isBlank(bytes) || isEsp8266Image(bytes)) return inspectForeign(bytes);
  if (bytes[0] === 0xaa && bytes[1] === 0x50) return inspectPartitionTable(bytes, options);
  if (isSignatureSector(bytes)) return inspectSignatureBlock(bytes);
  if (isWholeImage(bytes)) return inspectApp(bytes, "file");

  const locations = locateInFile(bytes, options);
  const { bootloader, tableOffset } = locations;
  const isBehindBootloader = bootloader?.isAtRomOffset === true && bootloader.offset > 0 && bootloader.inspection.valid;
  // An app at 0x0, flashed there by mistake, must not make a whole flash look like an app.
  if (isApp(bytes) && !(isBehindBootloader && tableOffset !== undefined)) return inspectApp(bytes, "file");
  if (isFlash(bytes, locations)) return inspectLocated(bytes, locations, options);
  if (bytes[0] === APP_IMAGE_MAGIC) return inspectApp(bytes, "file");

  if (looksLikeOtadata(bytes)) return inspectOtadata(bytes);
  if (looksLikeNvs(bytes)) return inspectNvs(bytes, options.showSecrets === true);
  const text = textOf(bytes);
  if (text !== undefined && looksLikePartitionCsv(text, options)) {
    return inspectPartitionCsv(text, bytes.length, options);
  }
  return inspectForeign(bytes);
}

/** Returns `true` if a file consists of one image, optionally with a signature sector or padding of 0xFF. */
function isWholeImage(bytes: Uint8Array): boolean {
  if (bytes[0] !== APP_IMAGE_MAGIC) return false;
  try {
    const { imageSize } = parseAppImage(bytes);
    const isPadded = !FLASH_SIZES.includes(bytes.length) && bytes.subarray(imageSize).every((byte) => byte === 0xff);
    if (!isPadded) assertImageEnd(imageSize, bytes.length, (offset) => bytes[offset]);
    return true;
  } catch (error) {
    if (isOtaError(error)) return false;
    throw error;
  }
}

function isSignatureSector(bytes: Uint8Array): boolean {
  const [magic, version] = bytes;
  return magic === SIGNATURE_BLOCK_MAGIC && (version === 2 || version === 3) && bytes.length <= SIGNATURE_SECTOR_SIZE;
}

/** Returns `true` if the bytes begin with an image that has an app descriptor. The bootloader of a flash has none. */
function isApp(bytes: Uint8Array): boolean {
  if (bytes[0] !== APP_IMAGE_MAGIC || bytes.length < APP_DESCRIPTOR_OFFSET + 4) return false;
  return viewOf(bytes).getUint32(APP_DESCRIPTOR_OFFSET, true) === APP_DESCRIPTOR_MAGIC;
}
