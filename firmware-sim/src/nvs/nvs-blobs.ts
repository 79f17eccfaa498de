import {
  buildNvsBlobIndex,
  concatBytes,
  NVS_CHUNK_SIZE_MAX,
  NVS_CHUNK_START,
  NVS_ENTRY_SIZE,
  type NvsEntry,
  type NvsKey,
  NvsType,
  parseNvsBlobIndex,
  parseNvsVariableData,
} from "@tinybms/ota-core";
import {
  ESP_ERR_NVS_INVALID_STATE,
  ESP_ERR_NVS_NOT_ENOUGH_SPACE,
  ESP_ERR_NVS_NOT_FOUND,
  ESP_ERR_NVS_PAGE_FULL,
  ESP_ERR_NVS_VALUE_TOO_LONG,
  ESP_FAIL,
  ESP_OK,
} from "./nvs-error.ts";
import type { NvsItem } from "./nvs-page.ts";
import type { NvsPageManager } from "./nvs-page-manager.ts";

/** Chunks that the indices of one version of a blob can name. */
const CHUNK_COUNT_MAX = 127;
/** With less room than this the first chunk begins a new page, if the blob doesn't fit. */
const FIRST_CHUNK_SIZE_BYTES_MIN = NVS_CHUNK_SIZE_MAX / 10;
const KEEP = { purge: false } as const;
const PURGE = { purge: true } as const;

/** A blob to write: its bytes, which of them are written, and in how many chunks. */
interface BlobWrite {
  readonly item: NvsItem;
  readonly chunkStart: number;
  offset: number;
  chunkCount: number;
}

/** Blobs of format version 2: chunks over one or more pages, and an index that makes them count. */
export class NvsBlobs {
  readonly #manager: NvsPageManager;

  constructor(manager: NvsPageManager) {
    this.#manager = manager;
  }

  /**
   * Reads a blob (ESP-IDF `Storage::readMultiPageBlob`).
   *
   * @returns NOT_FOUND if it has no index or a chunk's CRC is wrong, which erases the chunk; ESP_FAIL if chunks are
   * missing or too long, which erases the blob. So a damaged blob is first NOT_FOUND, then ESP_FAIL, then NOT_FOUND.
   */
  get(namespaceIndex: number, key: NvsKey): { readonly err: number; readonly data?: Uint8Array } {
    const index = this.#manager.find({ namespaceIndex, type: NvsType.blobIndex, key });
    if (index === undefined) return { err: ESP_ERR_NVS_NOT_FOUND };
    const { sizeBytes, chunkCount, chunkStart } = parseNvsBlobIndex(index.entry.data);
    const parts: Uint8Array[] = [];
    let offset = 0;
    for (let chunk = 0; chunk < chunkCount; chunk++) {
      const chunkIndex = (chunkStart + chunk) & 0xff;
      const found = this.#manager.find({ namespaceIndex, type: NvsType.blobData, key, chunkIndex });
      if (found === undefined || parseNvsVariableData(found.entry.data).sizeBytes > sizeBytes - offset) {
        this.#eraseDamaged(namespaceIndex, key);
        break;
      }
      const part = found.page.readPayload(found);
      if (part === undefined) return { err: ESP_ERR_NVS_NOT_FOUND };
      if (found.entry.chunkIndex !== chunkStart + chunk) return { err: ESP_FAIL };
      parts.push(part);
      offset += part.length;
    }
    return offset === sizeBytes ? { err: ESP_OK, data: concatBytes(parts) } : { err: ESP_FAIL };
  }

  /**
   * Whether a blob's chunks hold these bytes.
   *
   * ESP-IDF 6.2-dev compares a second and later chunk's CRC with the beginning of the data, so it writes an unchanged
   * blob of several chunks again; releases before didn't, and this doesn't.
   */
  holds(index: NvsEntry, item: NvsItem): boolean {
    const { namespaceIndex, key, data } = item;
    const { sizeBytes, chunkCount, chunkStart } = parseNvsBlobIndex(index.data);
    if (sizeBytes !== data.length) return false;
    let offset = 0;
    for (let chunk = 0; chunk < chunkCount; chunk++) {
      const chunkIndex = (chunkStart + chunk) & 0xff;
      const found = this.#manager.find({ namespaceIndex, type: NvsType.blobData, key, chunkIndex });
      if (found === undefined) return false;
      const end = offset + parseNvsVariableData(found.entry.data).sizeBytes;
      if (end > sizeBytes || !found.page.holdsPayload(found, data.subarray(offset, end))) return false;
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
    if (item.data.length > pageCountMax * NVS_CHUNK_SIZE_MAX) return ESP_ERR_NVS_VALUE_TOO_LONG;
    const roomErr = this.#makeRoomForFirstChunk(item.data.length);
    if (roomErr !== ESP_OK) return roomErr;

    const write: BlobWrite = { item, chunkStart, offset: 0, chunkCount: 0 };
    let err = ESP_OK;
    do err = this.#writeChunk(write);
    while (err === ESP_OK && write.offset < item.data.length);
    if (err === ESP_OK) err = this.#writeIndex(write);
    if (err === ESP_OK) return ESP_OK;
    this.#eraseChunks(write);
    return err === ESP_ERR_NVS_PAGE_FULL ? ESP_ERR_NVS_NOT_ENOUGH_SPACE : err;
  }

  /**
   * Erases a blob's index, which makes the blob gone, then its chunks (ESP-IDF `Storage::eraseMultiPageBlob`).
   *
   * @param chunkStart - Which version of the blob.
   * @returns NOT_FOUND if the index or a chunk isn't there.
   */
  erase(namespaceIndex: number, key: NvsKey, chunkStart: number): number {
    const index = this.#manager.find({ namespaceIndex, type: NvsType.blobIndex, key, chunkStart });
    if (index === undefined) return ESP_ERR_NVS_NOT_FOUND;
    const { chunkCount } = parseNvsBlobIndex(index.entry.data);
    index.page.eraseItemAt(index.index, KEEP);
    if (chunkStart !== NVS_CHUNK_START.first && chunkStart !== NVS_CHUNK_START.second) return ESP_OK;
    for (let chunkIndex = chunkStart; chunkIndex < chunkStart + chunkCount; chunkIndex++) {
      const chunk = this.#manager.find({ namespaceIndex, type: NvsType.blobData, key, chunkIndex: chunkIndex & 0xff });
      if (chunk === undefined) return ESP_ERR_NVS_NOT_FOUND;
      chunk.page.eraseItemAt(chunk.index, KEEP);
    }
    return ESP_OK;
  }

  #makeRoomForFirstChunk(sizeBytes: number): number {
    for (;;) {
      const page = this.#manager.current;
      if (page === undefined) return ESP_ERR_NVS_INVALID_STATE;
      const tailroomBytes = page.tailroomBytes;
      const fits = tailroomBytes >= sizeBytes && (tailroomBytes > 0 || sizeBytes > 0);
      if (fits || tailroomBytes >= FIRST_CHUNK_SIZE_BYTES_MIN) return ESP_OK;
      const err = this.#manager.replaceCurrentPage(page);
      if (err !== ESP_OK) return err;
      // Ends the loop: what is moved is always the emptiest page, so the second move wins no more than the first.
      if (this.#manager.current?.tailroomBytes === tailroomBytes) return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
    }
  }

  #writeChunk(write: BlobWrite): number {
    const { item, chunkStart, offset, chunkCount } = write;
    const page = this.#manager.current;
    if (page === undefined || page.tailroomBytes === 0) return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
    const tailroomBytes = page.tailroomBytes;
    const data = item.data.subarray(offset, offset + tailroomBytes);
    write.chunkCount++;
    const chunkIndex = (chunkStart + chunkCount) & 0xff;
    const err = page.writeItem({ ...item, type: NvsType.blobData, data, chunkIndex });
    if (err !== ESP_OK) return err;
    write.offset += data.length;
    // The index must find an entry where the last chunk ends.
    const isRoomForNext = write.offset === item.data.length && tailroomBytes - data.length >= NVS_ENTRY_SIZE;
    return isRoomForNext ? ESP_OK : this.#manager.replaceCurrentPage(page);
  }

  #writeIndex(write: BlobWrite): number {
    const { item, chunkStart, chunkCount } = write;
    const data = buildNvsBlobIndex({ sizeBytes: item.data.length, chunkCount, chunkStart });
    return this.#manager.current?.writeItem({ ...item, type: NvsType.blobIndex, data }) ?? ESP_ERR_NVS_INVALID_STATE;
  }

  #eraseChunks(write: BlobWrite): void {
    const { namespaceIndex, key } = write.item;
    for (let chunk = 0; chunk < write.chunkCount; chunk++) {
      const chunkIndex = (write.chunkStart + chunk) & 0xff;
      const found = this.#manager.find({ namespaceIndex, type: NvsType.blobData, key, chunkIndex });
      found?.page.eraseItemAt(found.index, KEEP);
    }
  }

  /** Erases the index, a second one if there is one, and every chunk of the key. */
  #eraseDamaged(namespaceIndex: number, key: NvsKey): void {
    for (let count = 0; count < 2; count++) {
      const index = this.#manager.find({ namespaceIndex, type: NvsType.blobIndex, key });
      index?.page.eraseItemAt(index.index, PURGE);
    }
    for (const page of this.#manager.pages) {
      while (page.erase({ namespaceIndex, type: NvsType.blobData, key }, PURGE));
    }
  }
}
