import {
  NVS_CHUNK_START,
  NVS_NAMESPACE_ANY,
  type NvsEntry,
  NvsType,
  parseNvsBlobIndex,
  parseNvsVariableData,
} from "./nvs-entry.ts";
import { NvsErr } from "./nvs-err.ts";
import type { FoundEntry } from "./nvs-item.ts";
import { nvsItemName, nvsKeyFromBytes } from "./nvs-key.ts";
import type { NvsPage } from "./nvs-page.ts";
import type { NvsLoadContext } from "./nvs-page-load.ts";
import type { NvsQuery } from "./nvs-query.ts";

const EVERY_INDEX = { namespaceIndex: NVS_NAMESPACE_ANY, type: NvsType.blobIndex };
const EVERY_CHUNK = { namespaceIndex: NVS_NAMESPACE_ANY, type: NvsType.blobData };

/** A blob index in flash. */
interface ListedBlob {
  readonly version: BlobVersion;
  readonly sizeBytes: number;
  readonly chunkCount: number;
  foundSizeBytes: number;
  foundChunkCount: number;
}

/** Indices of one namespace and key. */
interface BlobName {
  /** Pages that contain such an index, oldest first. */
  readonly pages: NvsPage[];
  readonly versions: BlobVersion[];
}

/** Indices of one namespace and key that begin at the same chunk. */
interface BlobVersion {
  readonly query: NvsQuery;
  readonly chunkStart: number;
  readonly name: BlobName;
  /** Index of the first page that may still contain an index of this version. */
  pageCursor: number;
  /** First index. Chunks count only for it. */
  first: ListedBlob | undefined;
}

/**
 * Erases blob indices whose chunks do not add up to the stated size, then chunks without an index. A power cut leaves
 * both while a blob is written or erased (ESP-IDF `Storage::init`). Takes linear time for any content.
 *
 * @param pages - Pages, oldest first.
 */
export function eraseIncompleteBlobs(context: NvsLoadContext, pages: readonly NvsPage[]): void {
  const names = new Map<string, BlobName>();
  const blobs = listBlobs(pages, names);
  for (const { entry } of chunksOf(pages)) {
    const { versions = [] } = names.get(nvsItemName(entry)) ?? {};
    const version = versions.find(({ chunkStart }) => isChunkOf(entry, chunkStart, endOfHalf(chunkStart)));
    if (version?.first === undefined) continue;
    version.first.foundSizeBytes += parseNvsVariableData(entry.data).sizeBytes;
    version.first.foundChunkCount++;
  }
  for (const blob of blobs) if (!isComplete(blob)) eraseIndex(context, blob.version);
  for (const { page, entry } of chunksOf(pages)) {
    if (names.get(nvsItemName(entry))?.versions.some((version) => hasChunk(version, entry))) continue;
    const { namespaceIndex, type, key, chunkIndex } = entry;
    const orphan = page.find({ namespaceIndex, type, key: nvsKeyFromBytes(key), chunkIndex });
    if (typeof orphan !== "number") discard(context, page, orphan);
  }
}

/** Lists the indices in the order of their pages, and groups them by namespace and key. */
function listBlobs(pages: readonly NvsPage[], names: Map<string, BlobName>): readonly ListedBlob[] {
  const blobs: ListedBlob[] = [];
  for (const page of pages) {
    for (const { entry } of page.findAll(EVERY_INDEX)) {
      const { sizeBytes, chunkCount, chunkStart } = parseNvsBlobIndex(entry.data);
      const id = nvsItemName(entry);
      const name = names.get(id) ?? { pages: [], versions: [] };
      names.set(id, name);
      if (name.pages.at(-1) !== page) name.pages.push(page);
      let version = name.versions.find((known) => known.chunkStart === chunkStart);
      if (version === undefined) {
        const key = nvsKeyFromBytes(entry.key);
        const query = { namespaceIndex: entry.namespaceIndex, type: NvsType.blobIndex, key, chunkStart };
        version = { query, chunkStart, name, pageCursor: 0, first: undefined };
        name.versions.push(version);
      }
      const blob = { version, sizeBytes, chunkCount, foundSizeBytes: 0, foundChunkCount: 0 };
      version.first ??= blob;
      blobs.push(blob);
    }
  }
  return blobs;
}

function* chunksOf(pages: readonly NvsPage[]): Generator<FoundEntry & { readonly page: NvsPage }> {
  for (const page of pages) {
    for (const found of page.findAll(EVERY_CHUNK)) yield { ...found, page };
  }
}

/** Erases the first remaining index of a version, which is not always the one that was found incomplete. */
function eraseIndex(context: NvsLoadContext, version: BlobVersion): void {
  const { query, name } = version;
  // A page without such an index now has none for the next call either.
  for (; version.pageCursor < name.pages.length; version.pageCursor++) {
    const page = name.pages[version.pageCursor];
    const found = page?.find(query);
    if (page === undefined || found === undefined || typeof found === "number") continue;
    if (discard(context, page, found)) return;
  }
}

function discard(context: NvsLoadContext, page: NvsPage, found: FoundEntry): boolean {
  context.observer?.onRecovery("blob-incomplete", page.flash.offsetOf(found.index), found.entry);
  return page.discardItemAt(found.index) === NvsErr.ESP_OK;
}

function isComplete(blob: ListedBlob): boolean {
  return blob.foundSizeBytes === blob.sizeBytes && blob.foundChunkCount === blob.chunkCount;
}

function hasChunk({ first, chunkStart }: BlobVersion, chunk: NvsEntry): boolean {
  return first !== undefined && isComplete(first) && isChunkOf(chunk, chunkStart, chunkStart + first.chunkCount);
}

function isChunkOf({ chunkIndex }: NvsEntry, begin: number, end: number): boolean {
  return chunkIndex >= begin && chunkIndex < end;
}

/** Returns the end of the chunk indices of a blob's version: each version uses one half of them. */
function endOfHalf(chunkStart: number): number {
  return chunkStart === NVS_CHUNK_START.first ? NVS_CHUNK_START.second : 0xff;
}
