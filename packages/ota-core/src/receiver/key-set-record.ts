import { utf8 } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import { isOtaError } from "../errors.ts";
import type { Immutable } from "../messages/json-message.ts";
import { parseKeySet } from "../messages/key-set.ts";
import type { KeySet } from "../schemas/types.generated.ts";

/**
 * The text form in which a device keeps its key set: eight hex digits of CRC-32 over all of the JSON that follows. Only
 * ASCII, so that it can be split anywhere.
 *
 * @param document - The verified document.
 */
export function buildKeySetRecord(document: Immutable<KeySet>): string {
  const json = JSON.stringify(document).replace(/[^ -~]/g, escapeUnit);
  return crc32(utf8(json)).toString(16).padStart(8, "0") + json;
}

/**
 * Reads what {@link buildKeySetRecord} wrote. Nothing is verified: what a device keeps in its own flash, it has verified
 * before.
 *
 * @returns The key set, or `undefined` if the text is not a valid record.
 */
export function parseKeySetRecord(text: string): KeySet | undefined {
  const json = utf8(text.slice(8));
  if (crc32(json).toString(16).padStart(8, "0") !== text.slice(0, 8)) return undefined;
  try {
    return parseKeySet(json);
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
