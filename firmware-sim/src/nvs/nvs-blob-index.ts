import {
  hasNvsKey,
  NVS_CHUNK_START,
  NVS_NAMESPACE_ANY,
  type NvsBlobIndex,
  type NvsEntry,
  type NvsKey,
  NvsType,
  nvsKeyFromBytes,
  parseNvsBlobIndex,
  parseNvsVariableData,
} from "@tinybms/ota-core";
import type { NvsPage } from "./nvs-page.ts";
import type { NvsQuery } from "./nvs-query.ts";

const EVERY_INDEX: NvsQuery = { namespaceIndex: NVS_NAMESPACE_ANY, type: NvsType.blobIndex };
const EVERY_CHUNK: NvsQuery = { namespaceIndex: NVS_NAMESPACE_ANY, type: NvsType.blobData };

interface ListedBlob extends NvsBlobIndex {
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
    blob.foundSizeBytes += parseNvsVariableData(entry.data).sizeBytes;
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
      blobs.push({ ...parseNvsBlobIndex(entry.data), namespaceIndex, key, foundSizeBytes: 0, foundChunkCount: 0 });
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
  return entry.chunkIndex >= blob.chunkStart && entry.chunkIndex < chunkEnd && hasNvsKey(entry.key, 0, blob.key);
}

function endOfVersion(blob: ListedBlob): number {
  return blob.chunkStart === NVS_CHUNK_START.first ? NVS_CHUNK_START.second : 0xff;
}
