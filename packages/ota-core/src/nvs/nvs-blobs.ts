import { concatBytes } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import type { NvsBehaviors } from "./nvs-engine-behaviors.ts";
import {
  buildNvsBlobIndex,
  NVS_CHUNK_SIZE_MAX,
  NVS_CHUNK_START,
  NVS_CRC_SEED,
  NVS_ENTRY_SIZE,
  type NvsEntry,
  NvsType,
  parseNvsBlobIndex,
  parseNvsVariableData,
} from "./nvs-entry.ts";
import { NvsErr } from "./nvs-err.ts";
import type { NvsItem } from "./nvs-item.ts";
import type { NvsKey } from "./nvs-key.ts";
import type { NvsPage, NvsPageContext } from "./nvs-page.ts";
import type { FoundItem, NvsPageManager } from "./nvs-page-manager.ts";
import { holdsNvsPayload, readNvsPayload } from "./nvs-payload.ts";

/** Maximum number of chunks that one version of a blob can have. */
const CHUNK_COUNT_MAX = 127;
/** If a blob doesn't fit into the page and less room than this remains, its first chunk begins a new page. */
const FIRST_CHUNK_SIZE_BYTES_MIN = NVS_CHUNK_SIZE_MAX / 10;
const KEEP = { purge: false } as const;

/** Progress of writing a blob: its bytes, how many of them are written, and in how many chunks. */
interface BlobWrite {
  readonly item: NvsItem;
  readonly chunkStart: number;
  offset: number;
  chunkCount: number;
  /** The page of each chunk that was written. */
  readonly pages: NvsPage[];
}

/** Blobs of format version 2: chunks in one or more pages, and an index that makes them valid. */
export class NvsBlobs {
  readonly #manager: NvsPageManager;
  readonly #behaviors: NvsBehaviors;
  readonly #abort: NvsPageContext["abort"];
  /** How to erase damaged items. */
  readonly #discard: { readonly purge: boolean };

  constructor(manager: NvsPageManager, { behaviors, abort }: NvsPageContext) {
    this.#manager = manager;
    this.#behaviors = behaviors;
    this.#abort = abort;
    this.#discard = { purge: behaviors.zeroesDiscardedEntries };
  }

  /**
   * Reads a blob (ESP-IDF `Storage::readMultiPageBlob`).
   *
   * @returns NOT_FOUND if it has no index or a chunk's CRC is wrong, which erases the chunk; ESP_FAIL if chunks are
   * missing or too long, which erases the blob. So a damaged blob is first NOT_FOUND, then ESP_FAIL, then NOT_FOUND.
   */
  get(namespaceIndex: number, key: NvsKey): { readonly err: number; readonly data?: Uint8Array } {
    const index = this.#manager.find({ namespaceIndex, type: NvsType.blobIndex, key });
    if (index === undefined) return { err: NvsErr.ESP_ERR_NVS_NOT_FOUND };
    const { sizeBytes, chunkCount, chunkStart } = parseNvsBlobIndex(index.entry.data);
    const parts: Uint8Array[] = [];
    let offset = 0;
    for (let chunk = 0; chunk < chunkCount; chunk++) {
      const found = this.#findChunk(namespaceIndex, key, chunkStart + chunk);
      if (found === undefined || parseNvsVariableData(found.entry.data).sizeBytes > sizeBytes - offset) {
        this.#eraseAll(namespaceIndex, key, this.#discard);
        break;
      }
      const part = readNvsPayload(found.page, found);
      if (typeof part === "number") return { err: part };
      if (found.entry.chunkIndex !== chunkStart + chunk) return { err: NvsErr.ESP_FAIL };
      parts.push(part);
      offset += part.length;
    }
    return offset === sizeBytes ? { err: NvsErr.ESP_OK, data: concatBytes(parts) } : { err: NvsErr.ESP_FAIL };
  }

  /** Returns `true` if a blob's chunks contain these bytes (`Storage::cmpMultiPageBlob`). */
  holds(index: NvsEntry, item: NvsItem): boolean {
    const { namespaceIndex, key, data } = item;
    const { sizeBytes, chunkCount, chunkStart } = parseNvsBlobIndex(index.data);
    if (sizeBytes !== data.length) return false;
    let offset = 0;
    for (let chunk = 0; chunk < chunkCount; chunk++) {
      const found = this.#findChunk(namespaceIndex, key, chunkStart + chunk);
      if (found === undefined) return false;
      const { sizeBytes: chunkSizeBytes, crc } = parseNvsVariableData(found.entry.data);
      const end = offset + chunkSizeBytes;
      if (end > sizeBytes || found.entry.chunkIndex !== chunkStart + chunk) return false;
      // A bug of ESP-IDF: it compares this chunk's CRC with the bytes of the first chunk.
      const isCompared = this.#behaviors.rewritesUnchangedBlobs;
      if (isCompared && crc32(data.subarray(0, chunkSizeBytes), NVS_CRC_SEED) !== crc) return false;
      if (!holdsNvsPayload(found.page, found, data.subarray(offset, end))) return false;
      offset = end;
    }
    return offset === sizeBytes;
  }

  /**
   * Writes a blob's chunks, then its index (ESP-IDF `Storage::writeMultiPageBlob`). If that fails, the chunks are
   * erased again.
   *
   * @param chunkStart - The half of the chunk indices that the blob's present version doesn't have.
   * @returns VALUE_TOO_LONG if no number of pages here can hold it, NOT_ENOUGH_SPACE, KEY_TOO_LONG.
   */
  write(item: NvsItem, chunkStart: number): number {
    const pageCountMax = Math.min(this.#manager.pageCount - 1, CHUNK_COUNT_MAX);
    if (item.data.length > pageCountMax * NVS_CHUNK_SIZE_MAX) return NvsErr.ESP_ERR_NVS_VALUE_TOO_LONG;
    const roomErr = this.#makeRoomForFirstChunk(item.data.length);
    if (roomErr !== NvsErr.ESP_OK) return roomErr;

    const write: BlobWrite = { item, chunkStart, offset: 0, chunkCount: 0, pages: [] };
    let err: number = NvsErr.ESP_OK;
    do err = this.#writeChunk(write);
    while (err === NvsErr.ESP_OK && write.offset < item.data.length);
    if (err === NvsErr.ESP_OK) err = this.#writeIndex(write);
    // A page that has no room in spite of its tailroom fails an assertion, which cleans nothing up.
    if (err === NvsErr.ESP_ERR_NVS_PAGE_FULL) return NvsErr.ESP_ERR_NVS_NOT_ENOUGH_SPACE;
    if (err !== NvsErr.ESP_OK) this.#cleanUp(write);
    return err;
  }

  /**
   * Erases a blob's index, which makes the blob gone, then its chunks (ESP-IDF `Storage::eraseMultiPageBlob`).
   *
   * @param chunkStart - Which version of the blob.
   * @returns NOT_FOUND if the index or a chunk isn't there.
   */
  erase(namespaceIndex: number, key: NvsKey, chunkStart: number): number {
    if (chunkStart === NVS_CHUNK_START.any) return this.#eraseAll(namespaceIndex, key, KEEP);
    const index = this.#manager.find({ namespaceIndex, type: NvsType.blobIndex, key, chunkStart });
    if (index === undefined) return NvsErr.ESP_ERR_NVS_NOT_FOUND;
    const { chunkCount } = parseNvsBlobIndex(index.entry.data);
    const err = index.page.eraseItemAt(index.index, KEEP);
    if (err !== NvsErr.ESP_OK) return err;
    if (!this.#behaviors.erasesChunksByIndex) return this.#eraseHalf(namespaceIndex, key, chunkStart);
    if (chunkStart !== NVS_CHUNK_START.first && chunkStart !== NVS_CHUNK_START.second) return NvsErr.ESP_OK;
    for (let chunkIndex = chunkStart; chunkIndex < chunkStart + chunkCount; chunkIndex++) {
      const chunk = this.#findChunk(namespaceIndex, key, chunkIndex);
      if (chunk === undefined) return NvsErr.ESP_ERR_NVS_NOT_FOUND;
      const chunkErr = chunk.page.eraseItemAt(chunk.index, KEEP);
      if (chunkErr !== NvsErr.ESP_OK) return chunkErr;
    }
    return NvsErr.ESP_OK;
  }

  /** Erases a key's index, a possible second index, and every chunk (`Storage::eraseMultiPageBlob`, any version). */
  eraseEveryVersion(namespaceIndex: number, key: NvsKey): number {
    return this.#eraseAll(namespaceIndex, key, KEEP);
  }

  #eraseAll(namespaceIndex: number, key: NvsKey, options: { readonly purge: boolean }): number {
    for (let count = 0; count < 2; count++) {
      const index = this.#manager.find({ namespaceIndex, type: NvsType.blobIndex, key });
      if (index === undefined && count === 0) return NvsErr.ESP_ERR_NVS_NOT_FOUND;
      const err = index === undefined ? NvsErr.ESP_OK : index.page.eraseItemAt(index.index, options);
      if (err !== NvsErr.ESP_OK) return err;
    }
    return this.#eraseChunks(namespaceIndex, key, 0, 0xff, options);
  }

  /**
   * Erases the chunks of one half of the indices, page by page; of all of them for an index that names neither half.
   */
  #eraseHalf(namespaceIndex: number, key: NvsKey, chunkStart: number): number {
    const begin = chunkStart === NVS_CHUNK_START.second ? NVS_CHUNK_START.second : NVS_CHUNK_START.first;
    const end = chunkStart === NVS_CHUNK_START.first ? NVS_CHUNK_START.second : 0xff;
    return this.#eraseChunks(namespaceIndex, key, begin, end, KEEP);
  }

  #eraseChunks(
    namespaceIndex: number,
    key: NvsKey,
    begin: number,
    end: number,
    options: { readonly purge: boolean },
  ): number {
    for (const page of this.#manager.pages) {
      let fromIndex = 0;
      for (;;) {
        const found = page.find({ namespaceIndex, type: NvsType.blobData, key }, fromIndex);
        if (found === NvsErr.ESP_ERR_NVS_NOT_FOUND) break;
        if (typeof found === "number") return found;
        const { chunkIndex, span } = found.entry;
        const isMeant = chunkIndex >= begin && chunkIndex < end;
        if (!isMeant && span === 0) this.#abort("Storage::eraseMultiPageBlob", "loops at a chunk of span 0");
        const err = isMeant ? page.eraseItemAt(found.index, options) : NvsErr.ESP_OK;
        if (err !== NvsErr.ESP_OK) return err;
        fromIndex = found.index + span;
      }
    }
    return NvsErr.ESP_OK;
  }

  #findChunk(namespaceIndex: number, key: NvsKey, chunkIndex: number): FoundItem | undefined {
    return this.#manager.find({ namespaceIndex, type: NvsType.blobData, key, chunkIndex: chunkIndex & 0xff });
  }

  #makeRoomForFirstChunk(sizeBytes: number): number {
    for (;;) {
      const page = this.#manager.current;
      if (page === undefined) return NvsErr.ESP_ERR_NVS_INVALID_STATE;
      const tailroomBytes = page.tailroomBytes;
      const fits = tailroomBytes >= sizeBytes && (tailroomBytes > 0 || sizeBytes > 0);
      if (fits || tailroomBytes >= FIRST_CHUNK_SIZE_BYTES_MIN) return NvsErr.ESP_OK;
      const err = this.#manager.replaceCurrentPage(page);
      if (err !== NvsErr.ESP_OK) return err;
      // Ends the loop: each move takes the emptiest page, so a second move frees no more than the first.
      if (this.#manager.current?.tailroomBytes === tailroomBytes) return NvsErr.ESP_ERR_NVS_NOT_ENOUGH_SPACE;
    }
  }

  #writeChunk(write: BlobWrite): number {
    const { item, chunkStart, offset, chunkCount } = write;
    const page = this.#manager.current;
    if (page === undefined || page.tailroomBytes === 0) return NvsErr.ESP_ERR_NVS_NOT_ENOUGH_SPACE;
    const tailroomBytes = page.tailroomBytes;
    const data = item.data.subarray(offset, offset + tailroomBytes);
    write.chunkCount++;
    const chunkIndex = (chunkStart + chunkCount) & 0xff;
    const err = page.writeItem({ ...item, type: NvsType.blobData, data, chunkIndex });
    if (err !== NvsErr.ESP_OK) return err;
    write.pages.push(page);
    write.offset += data.length;
    // The index must find an entry where the last chunk ends.
    const isRoomForNext = write.offset === item.data.length && tailroomBytes - data.length >= NVS_ENTRY_SIZE;
    return isRoomForNext ? NvsErr.ESP_OK : this.#manager.replaceCurrentPage(page);
  }

  #writeIndex(write: BlobWrite): number {
    const { item, chunkStart, chunkCount } = write;
    const data = buildNvsBlobIndex({ sizeBytes: item.data.length, chunkCount, chunkStart });
    const page = this.#manager.current;
    return page?.writeItem({ ...item, type: NvsType.blobIndex, data }) ?? NvsErr.ESP_ERR_NVS_INVALID_STATE;
  }

  #cleanUp({ item, chunkStart, chunkCount, pages }: BlobWrite): void {
    const { namespaceIndex, key } = item;
    if (!this.#behaviors.cleansUpOwnChunks) {
      for (const [chunkIndex, page] of pages.entries()) {
        page.erase({ namespaceIndex, type: NvsType.blobData, key, chunkIndex }, KEEP);
      }
      return;
    }
    for (let chunk = 0; chunk < chunkCount; chunk++) {
      const found = this.#findChunk(namespaceIndex, key, chunkStart + chunk);
      found?.page.eraseItemAt(found.index, KEEP);
    }
  }
}
