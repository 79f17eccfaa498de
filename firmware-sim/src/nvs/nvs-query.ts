import { hasNvsKey, NVS_CHUNK_ANY, NVS_NAMESPACE_ANY, type NvsKey, NvsType } from "@tinybms/ota-core";

/** What to look for in a page. */
export interface NvsQuery {
  /** {@link NVS_NAMESPACE_ANY}: every namespace. */
  readonly namespaceIndex: number;
  /** `NvsType.any`: every type. */
  readonly type: number;
  /** Every key without one. */
  readonly key?: NvsKey | undefined;
  /** Every chunk without one. */
  readonly chunkIndex?: number | undefined;
  /** Of a blob's index: which version; both without one. */
  readonly chunkStart?: number | undefined;
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
    if (query.chunkStart !== undefined && bytes[29] !== query.chunkStart) return "other";
  }
  if (query.type === NvsType.any || query.type === type) return "match";
  return query.key === undefined && query.namespaceIndex === NVS_NAMESPACE_ANY && anyChunk ? "other" : "mismatch";
}
