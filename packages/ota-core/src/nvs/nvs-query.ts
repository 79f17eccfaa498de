import { NVS_CHUNK_ANY, NVS_CHUNK_START, NVS_NAMESPACE_ANY, NvsType } from "./nvs-entry.ts";
import { hashNvsKey, hasNvsKey, type NvsKey } from "./nvs-key.ts";

/** Criteria for finding an item in a page. */
export interface NvsQuery {
  /** {@link NVS_NAMESPACE_ANY}: every namespace. */
  readonly namespaceIndex: number;
  /** `NvsType.any`: every type. */
  readonly type: number;
  /** `undefined` matches every key. */
  readonly key?: NvsKey | undefined;
  /** `undefined` matches every chunk. */
  readonly chunkIndex?: number | undefined;
  /** Version of a blob's index. `undefined` and {@link NVS_CHUNK_START}'s `any` match both. */
  readonly chunkStart?: number | undefined;
}

/**
 * Returns the hash that an entry must have to match, or `undefined` if entries of any hash can. The hash of a chunk
 * includes its index, so a search for any chunk goes through all entries.
 */
export function hashOfQuery({ namespaceIndex, type, key, chunkIndex = NVS_CHUNK_ANY }: NvsQuery): number | undefined {
  if (namespaceIndex === NVS_NAMESPACE_ANY || key === undefined) return undefined;
  if (type === NvsType.blobData && chunkIndex === NVS_CHUNK_ANY) return undefined;
  return hashNvsKey(namespaceIndex, key.bytes, chunkIndex);
}

/**
 * Compares an entry with a query, as ESP-IDF's `Page::findItem` does.
 *
 * @param bytes - A consistent entry, 32 bytes.
 * @returns `match`; `other`: look further; `mismatch`: the key is here with another type, which ends the search of
 * this page.
 */
export function matchNvsEntry(bytes: Uint8Array, query: NvsQuery): "match" | "other" | "mismatch" {
  const [namespaceIndex, type, , chunkIndex] = bytes;
  const anyChunk = (query.chunkIndex ?? NVS_CHUNK_ANY) === NVS_CHUNK_ANY;
  if (query.namespaceIndex !== NVS_NAMESPACE_ANY && namespaceIndex !== query.namespaceIndex) return "other";
  if (query.key !== undefined && !hasNvsKey(bytes, 8, query.key)) return "other";
  if (query.type === NvsType.blobData) {
    if (anyChunk ? type !== NvsType.blobData : chunkIndex !== query.chunkIndex) return "other";
  }
  if (query.type === NvsType.blob && anyChunk) {
    if (type === NvsType.blobIndex) return "mismatch";
    if (type === NvsType.blobData) return "other";
  }
  if (query.type === NvsType.blobIndex) {
    if (chunkIndex !== NVS_CHUNK_ANY) return "other";
    const { chunkStart = NVS_CHUNK_START.any } = query;
    if (chunkStart !== NVS_CHUNK_START.any && bytes[29] !== chunkStart) return "other";
  }
  if (query.type === NvsType.any || query.type === type) return "match";
  return query.key === undefined && query.namespaceIndex === NVS_NAMESPACE_ANY && anyChunk ? "other" : "mismatch";
}
