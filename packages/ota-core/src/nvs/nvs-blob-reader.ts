import { concatBytes } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import {
  NVS_CHUNK_START,
  NVS_CRC_SEED,
  type NvsEntry,
  NvsType,
  parseNvsBlobIndex,
  parseNvsVariableData,
} from "./nvs-entry.ts";
import { nvsItemName } from "./nvs-key.ts";
import type { NvsItemInPage, NvsLookup } from "./nvs-lookup.ts";
import type { NvsPageReader } from "./nvs-page-reader.ts";

/**
 * Drops blob indices whose chunks don't add up to what they say, then chunks that belong to no index: what a power cut
 * left of a blob that was being written or erased (ESP-IDF `Storage::init`).
 *
 * @param pages - Oldest first.
 * @returns What was dropped.
 */
export function dropIncompleteBlobs(pages: readonly NvsPageReader[]): readonly NvsItemInPage[] {
  const blobs = itemsOf(pages, NvsType.blobIndex).map((place) => ({
    ...place,
    ...parseNvsBlobIndex(place.item.entry.data),
    foundSizeBytes: 0,
    foundChunkCount: 0,
  }));
  // Of several indices that begin at the same chunk the first gets the chunks, so that the others needn't be kept.
  const blobsByName = new Map<string, typeof blobs>();
  for (const blob of blobs) {
    const name = nvsItemName(blob.item.entry);
    const sameName = blobsByName.get(name) ?? [];
    if (!sameName.some(({ chunkStart }) => chunkStart === blob.chunkStart)) sameName.push(blob);
    blobsByName.set(name, sameName);
  }
  const chunks = itemsOf(pages, NvsType.blobData);
  for (const { item } of chunks) {
    const { chunkIndex, data } = item.entry;
    const candidates = blobsByName.get(nvsItemName(item.entry)) ?? [];
    const blob = candidates.find(({ chunkStart }) => chunkIndex >= chunkStart && chunkIndex < endOfHalf(chunkStart));
    if (blob === undefined) continue;
    blob.foundSizeBytes += parseNvsVariableData(data).sizeBytes;
    blob.foundChunkCount++;
  }
  const isComplete = (blob: (typeof blobs)[number]) =>
    blob.foundSizeBytes === blob.sizeBytes && blob.foundChunkCount === blob.chunkCount;
  const isOrphan = ({ item: { entry } }: NvsItemInPage) =>
    !blobsByName
      .get(nvsItemName(entry))
      ?.some(
        (blob) =>
          isComplete(blob) &&
          entry.chunkIndex >= blob.chunkStart &&
          entry.chunkIndex < blob.chunkStart + blob.chunkCount,
      );
  const dropped = [...blobs.filter((blob) => !isComplete(blob)), ...chunks.filter(isOrphan)];
  for (const { page, item } of dropped) page.drop(item);
  return dropped;
}

/**
 * The bytes of a blob of format version 2 (ESP-IDF `Storage::readMultiPageBlob`).
 *
 * @param index - The blob's index entry.
 * @returns `undefined` if a chunk is missing, too long or damaged.
 */
export function readBlobChunks(lookup: NvsLookup, index: NvsEntry): Uint8Array | undefined {
  const { sizeBytes, chunkCount, chunkStart } = parseNvsBlobIndex(index.data);
  if (chunkStart + chunkCount > 0x100) return undefined;
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (let chunk = 0; chunk < chunkCount; chunk++) {
    const found = lookup.get({ ...index, type: NvsType.blobData, chunkIndex: chunkStart + chunk });
    const part = found && readPayload(found);
    if (part === undefined || part.length > sizeBytes - offset) return undefined;
    parts.push(part);
    offset += part.length;
  }
  return offset === sizeBytes ? concatBytes(parts) : undefined;
}

/** The payload of a string, a chunk or a blob of version 1, or `undefined` where its CRC is wrong. */
export function readPayload({ page, item }: NvsItemInPage): Uint8Array | undefined {
  const { sizeBytes, crc } = parseNvsVariableData(item.entry.data);
  const payload = page.payload(item, sizeBytes);
  return crc32(payload, NVS_CRC_SEED) === crc ? payload : undefined;
}

function itemsOf(pages: readonly NvsPageReader[], type: number): NvsItemInPage[] {
  return pages.flatMap((page) => page.items.filter(({ entry }) => entry.type === type).map((item) => ({ page, item })));
}

/** Where the chunk indices end that a version of a blob may have: one half of them or the other. */
function endOfHalf(chunkStart: number): number {
  return chunkStart === NVS_CHUNK_START.first ? NVS_CHUNK_START.second : 0xff;
}
