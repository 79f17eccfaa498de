import {
  type BlobIndex,
  NAMESPACE_ANY,
  type NvsEntry,
  NvsType,
  parseBlobIndex,
  parseVariableData,
} from "./nvs-entry.ts";
import { hasKey, type NvsKey, nvsKeyFromBytes } from "./nvs-key.ts";
import type { NvsPage } from "./nvs-page.ts";
import type { NvsQuery } from "./nvs-query.ts";

/** Where the chunk indices of a blob's versions begin. Each update takes the other one. */
export const CHUNK_START = { first: 0x00, second: 0x80 } as const;

const EVERY_INDEX: NvsQuery = { namespaceIndex: NAMESPACE_ANY, type: NvsType.blobIndex };
const EVERY_CHUNK: NvsQuery = { namespaceIndex: NAMESPACE_ANY, type: NvsType.blobData };

interface ListedBlob extends BlobIndex {
  readonly namespaceIndex: number;
  readonly key: NvsKey;
  foundSizeBytes: number;
  foundChunkCount: number;
}

/**
 * Erases blob indices whose chunks don't add up to what they say, then chunks that belong to no index: what a power cut
 * left of a blob that was being written or erased (ESP-IDF `Storage::init`).
 */
export function eraseIncompleteBlobs(pages: readonly NvsPage[]): void {
  const blobs = listBlobs(pages);
  for (const { entry } of chunksOf(pages)) {
    const blob = blobs.find((candidate) => isChunkOf(entry, candidate, endOfVersion(candidate)));
    if (blob === undefined) continue;
    blob.foundSizeBytes += parseVariableData(entry.data).sizeBytes;
    blob.foundChunkCount++;
  }
  for (const blob of blobs) if (!isComplete(blob)) eraseIndex(pages, blob);
  const complete = blobs.filter(isComplete);
  for (const { page, entry } of chunksOf(pages)) {
    if (complete.some((blob) => isChunkOf(entry, blob, blob.chunkStart + blob.chunkCount))) continue;
    const { namespaceIndex, type, chunkIndex } = entry;
    page.erase({ namespaceIndex, type, key: nvsKeyFromBytes(entry.key), chunkIndex }, { purge: true });
  }
}

function listBlobs(pages: readonly NvsPage[]): ListedBlob[] {
  const blobs: ListedBlob[] = [];
  for (const page of pages) {
    for (const { entry } of page.findAll(EVERY_INDEX)) {
      const { namespaceIndex } = entry;
      const key = nvsKeyFromBytes(entry.key);
      blobs.push({ ...parseBlobIndex(entry.data), namespaceIndex, key, foundSizeBytes: 0, foundChunkCount: 0 });
    }
  }
  return blobs;
}

function* chunksOf(pages: readonly NvsPage[]): Generator<{ readonly page: NvsPage; readonly entry: NvsEntry }> {
  for (const page of pages) {
    for (const { entry } of page.findAll(EVERY_CHUNK)) yield { page, entry };
  }
}

function eraseIndex(pages: readonly NvsPage[], blob: ListedBlob): void {
  const { namespaceIndex, key, chunkStart } = blob;
  pages.some((page) => page.erase({ namespaceIndex, type: NvsType.blobIndex, key, chunkStart }, { purge: true }));
}

function isComplete(blob: ListedBlob): boolean {
  return blob.foundSizeBytes === blob.sizeBytes && blob.foundChunkCount === blob.chunkCount;
}

function isChunkOf(entry: NvsEntry, blob: ListedBlob, chunkEnd: number): boolean {
  if (entry.namespaceIndex !== blob.namespaceIndex) return false;
  return entry.chunkIndex >= blob.chunkStart && entry.chunkIndex < chunkEnd && hasKey(entry.key, 0, blob.key);
}

function endOfVersion(blob: ListedBlob): number {
  return blob.chunkStart === CHUNK_START.first ? CHUNK_START.second : 0xff;
}
