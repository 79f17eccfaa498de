import {
  buildNvsEntry,
  buildNvsVariableData,
  isNvsVariableType,
  NVS_CHUNK_ANY,
  NVS_ENTRY_SIZE,
  type NvsEntry,
  nvsSpanOf,
} from "./nvs-entry.ts";
import { hashNvsKey, type NvsKey } from "./nvs-key.ts";

/** An item to write. */
export interface NvsItem {
  readonly namespaceIndex: number;
  readonly type: number;
  readonly key: NvsKey;
  /** A number's bytes, a blob index's data field, or a payload. */
  readonly data: Uint8Array;
  readonly chunkIndex?: number;
}

/** Position of an item in its page. */
export interface FoundEntry {
  readonly index: number;
  readonly entry: NvsEntry;
}

/** Returns the number of entries that an item occupies. */
export function nvsItemSpan({ type, data }: NvsItem): number {
  return isNvsVariableType(type) ? nvsSpanOf(data.length) : 1;
}

/** Returns the hash of an item's first entry. */
export function hashNvsItem({ namespaceIndex, key, chunkIndex = NVS_CHUNK_ANY }: NvsItem): number {
  return hashNvsKey(namespaceIndex, key.bytes, chunkIndex);
}

/**
 * Encodes an item as `Page::writeItem` programs it: the first entry, the full entries of the payload at once, then the
 * rest of the payload, padded with 0xFF.
 *
 * @returns Runs of whole entries. All but the first may share memory with `item.data`.
 */
export function encodeNvsItem(item: NvsItem): readonly Uint8Array[] {
  const { namespaceIndex, type, key, data, chunkIndex = NVS_CHUNK_ANY } = item;
  const hasPayload = isNvsVariableType(type);
  const field = hasPayload ? buildNvsVariableData(data) : data;
  const runs = [
    buildNvsEntry({ namespaceIndex, type, span: nvsItemSpan(item), chunkIndex, key: key.bytes, data: field }),
  ];
  if (!hasPayload) return runs;
  const fullSizeBytes = data.length - (data.length % NVS_ENTRY_SIZE);
  if (fullSizeBytes > 0) runs.push(data.subarray(0, fullSizeBytes));
  if (fullSizeBytes < data.length) {
    const rest = new Uint8Array(NVS_ENTRY_SIZE).fill(0xff);
    rest.set(data.subarray(fullSizeBytes));
    runs.push(rest);
  }
  return runs;
}
