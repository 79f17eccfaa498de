import { equalBytes } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import { NVS_CRC_SEED, NVS_ENTRY_COUNT, NVS_ENTRY_SIZE, parseNvsVariableData } from "./nvs-entry.ts";
import { NvsErr } from "./nvs-err.ts";
import type { FoundEntry } from "./nvs-item.ts";
import type { NvsPage } from "./nvs-page.ts";

/**
 * Reads the payload of a string or chunk (`Page::readVariableLengthItemData`).
 *
 * @returns The payload; NOT_FOUND if its CRC is wrong, in which case the item is erased; ESP_FAIL if its entries reach
 *   beyond the page or can't be erased.
 */
export function readNvsPayload(page: NvsPage, found: FoundEntry): Uint8Array | number {
  const { sizeBytes, crc } = parseNvsVariableData(found.entry.data);
  if (found.index + found.entry.span > NVS_ENTRY_COUNT) return NvsErr.ESP_FAIL;
  const payload = new Uint8Array(sizeBytes);
  payload.set(storedPayload(page, found, sizeBytes));
  if (crc32(payload, NVS_CRC_SEED) === crc) return payload;
  const err = page.discardItemAt(found.index);
  return err === NvsErr.ESP_OK ? NvsErr.ESP_ERR_NVS_NOT_FOUND : err;
}

/**
 * Returns `true` if `payload` begins with the payload of a string or chunk, and its CRC is right (`Page::cmpItem`).
 *
 * @param payload - Bytes beyond the size of the item don't count, as in ESP-IDF.
 */
export function holdsNvsPayload(page: NvsPage, found: FoundEntry, payload: Uint8Array): boolean {
  const { sizeBytes, crc } = parseNvsVariableData(found.entry.data);
  const compared = payload.subarray(0, sizeBytes);
  if (compared.length < sizeBytes || crc !== crc32(compared, NVS_CRC_SEED)) return false;
  if (sizeBytes === 0) return !page.behaviors.rewritesUnchangedBlobs;
  if (found.index + found.entry.span > NVS_ENTRY_COUNT) return false;
  const stored = storedPayload(page, found, sizeBytes);
  return equalBytes(stored, compared.subarray(0, stored.length));
}

/** Returns the payload in the item's entries: all of it, unless its fields contradict each other. */
function storedPayload({ flash }: NvsPage, { index, entry }: FoundEntry, sizeBytes: number): Uint8Array {
  return flash.read(index + 1, Math.min(sizeBytes, Math.max(0, entry.span - 1) * NVS_ENTRY_SIZE));
}
