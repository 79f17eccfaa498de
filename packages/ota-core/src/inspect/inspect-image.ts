import { viewOf } from "../bytes.ts";
import { APP_DESCRIPTOR_MAGIC, APP_DESCRIPTOR_OFFSET } from "../image/app-descriptor.ts";
import { APP_IMAGE_MAGIC } from "../image/app-image-header.ts";
import { PARTITION_TABLE_OFFSET, PARTITION_TABLE_SIZE } from "../image/partition-table.ts";
import { SIGNATURE_BLOCK_MAGIC, SIGNATURE_SECTOR_SIZE } from "../image/signature-block.ts";
import { inspectForeign, isBlank, isEsp8266Image, looksLikePartitionCsv, textOf } from "./foreign-file.ts";
import { inspectApp } from "./inspect-app.ts";
import { findBootloader, findPartitionTable, inspectFlash } from "./inspect-flash.ts";
import { inspectNvs, looksLikeNvs } from "./inspect-nvs.ts";
import { inspectOtadata, looksLikeOtadata } from "./inspect-otadata.ts";
import { inspectPartitionCsv, inspectPartitionTable } from "./inspect-partition-table.ts";
import { inspectSignatureBlock } from "./inspect-signature.ts";
import type { Inspection, InspectOptions } from "./inspection.ts";

/**
 * Says what a file is, by its content alone, and what is wrong with it. Any bytes give a result.
 *
 * @param bytes - The whole file. The result shares no memory with them, and is JSON-safe.
 */
export function inspectImage(bytes: Uint8Array, options: InspectOptions = {}): Inspection {
  if (isBlank(bytes) || isEsp8266Image(bytes)) return inspectForeign(bytes);
  if (bytes[0] === 0xaa && bytes[1] === 0x50) return inspectPartitionTable(bytes, { flashSize: options.flashSize });
  if (isSignatureSector(bytes)) return inspectSignatureBlock(bytes);
  if (isApp(bytes)) return inspectApp(bytes, "file");

  const tableOffset = findPartitionTable(bytes);
  if (tableOffset !== undefined) return inspectFlash(bytes, tableOffset, options);
  const isLong = bytes.length >= PARTITION_TABLE_OFFSET + PARTITION_TABLE_SIZE;
  const bootloaderOffset = findBootloader(bytes);
  if (bootloaderOffset !== undefined && (isLong || bootloaderOffset > 0))
    return inspectFlash(bytes, undefined, options);
  if (bytes[0] === APP_IMAGE_MAGIC) return inspectApp(bytes, "file");

  if (looksLikeOtadata(bytes)) return inspectOtadata(bytes);
  if (looksLikeNvs(bytes)) return inspectNvs(bytes, options.showSecrets === true);
  const text = textOf(bytes);
  if (text !== undefined && looksLikePartitionCsv(text)) {
    return inspectPartitionCsv(text, bytes.length, { flashSize: options.flashSize });
  }
  return inspectForeign(bytes);
}

function isSignatureSector(bytes: Uint8Array): boolean {
  const [magic, version] = bytes;
  return magic === SIGNATURE_BLOCK_MAGIC && (version === 2 || version === 3) && bytes.length <= SIGNATURE_SECTOR_SIZE;
}

/** Whether an image begins here that has an app descriptor: then it isn't the bootloader of a flash. */
function isApp(bytes: Uint8Array): boolean {
  if (bytes[0] !== APP_IMAGE_MAGIC || bytes.length < APP_DESCRIPTOR_OFFSET + 4) return false;
  return viewOf(bytes).getUint32(APP_DESCRIPTOR_OFFSET, true) === APP_DESCRIPTOR_MAGIC;
}
