import {
  buildNvsEntry,
  buildNvsVariableData,
  crc32,
  equalBytes,
  hashNvsKey,
  isConsistentNvsEntry,
  isNvsVariableType,
  NVS_CHUNK_ANY,
  NVS_CHUNK_SIZE_MAX,
  NVS_CRC_SEED,
  NVS_ENTRY_COUNT,
  NVS_ENTRY_SIZE,
  NVS_KEY_LENGTH_MAX,
  NVS_NAMESPACE_ANY,
  NVS_VERSION,
  type NvsEntry,
  NvsEntryState,
  type NvsKey,
  type NvsPageState,
  NvsType,
  nvsSpanOf,
  parseNvsEntry,
  parseNvsVariableData,
} from "@tinybms/ota-core";
import {
  ESP_ERR_NVS_INVALID_STATE,
  ESP_ERR_NVS_KEY_TOO_LONG,
  ESP_ERR_NVS_PAGE_FULL,
  ESP_ERR_NVS_VALUE_TOO_LONG,
  ESP_FAIL,
  ESP_OK,
} from "./nvs-error.ts";
import { NvsPageFlash } from "./nvs-page-flash.ts";
import { matchNvsEntry, type NvsQuery } from "./nvs-query.ts";
import type { NvsStorage } from "./nvs-storage.ts";

const NO_HASH = -1;

/** An item to write. */
export interface NvsItem {
  readonly namespaceIndex: number;
  readonly type: number;
  readonly key: NvsKey;
  /** A number's bytes, a blob index's data field, or a payload. */
  readonly data: Uint8Array;
  readonly chunkIndex?: number;
}

/** Where an item stands. */
export interface FoundEntry {
  readonly index: number;
  readonly entry: NvsEntry;
}

/**
 * One page of NVS (ESP-IDF `nvs_page.cpp`): a header, a bitmap of entry states, 126 entries of 32 bytes.
 *
 * Every entry is programmed before its bitmap word, so that a power cut leaves an entry that doesn't count yet. What a
 * cut leaves is set right by `loadNvsPage`.
 */
export class NvsPage {
  readonly #keyHashes: Int32Array = new Int32Array(NVS_ENTRY_COUNT).fill(NO_HASH);
  #state: NvsPageState = "uninitialized";

  /** The page's bytes; `loadNvsPage` reads them, everything else goes through the page. */
  readonly flash: NvsPageFlash;
  /** Entries from here on have never been written; 126 if there are none. */
  nextFreeIndex: number = NVS_ENTRY_COUNT;
  /** Position in the order of pages; set before a page is first written. */
  sequence = 0;
  /** Format version that the header has, or will have. */
  version: number = NVS_VERSION;

  /** @param offset - Where the page begins in the partition, bytes. */
  constructor(storage: NvsStorage, offset: number) {
    this.flash = new NvsPageFlash(storage, offset);
  }

  get state(): NvsPageState {
    return this.#state;
  }

  /** Entries in use. */
  get usedEntryCount(): number {
    return this.flash.states.count(NvsEntryState.written);
  }

  /** Bytes of payload that one more chunk could have here. */
  get tailroomBytes(): number {
    if (this.#state === "uninitialized") return NVS_CHUNK_SIZE_MAX;
    if (this.#state === "full") return 0;
    return Math.max(0, (NVS_ENTRY_COUNT - this.nextFreeIndex - 1) * NVS_ENTRY_SIZE);
  }

  /** Says what the page is, as its header or its emptiness shows. Writes nothing. */
  adoptState(state: NvsPageState): void {
    this.#state = state;
  }

  /**
   * Looks for an item (`Page::findItem`). An entry on the way that is damaged is erased.
   *
   * @param fromIndex - The entry to begin with.
   */
  find(query: NvsQuery, fromIndex = 0): FoundEntry | undefined {
    if (this.#state === "corrupt" || this.#state === "uninitialized") return undefined;
    const { namespaceIndex, key, type, chunkIndex = NVS_CHUNK_ANY } = query;
    let start = fromIndex;
    // The hash of a chunk has its index in it, so a search for any chunk has to go through them all.
    if (
      namespaceIndex !== NVS_NAMESPACE_ANY &&
      key !== undefined &&
      !(type === NvsType.blobData && chunkIndex === NVS_CHUNK_ANY)
    ) {
      start = this.firstIndexOfHash(hashNvsKey(namespaceIndex, key.bytes, chunkIndex), fromIndex);
    }
    const end = this.nextFreeIndex;
    let next = start;
    for (let index = start; index < end; index = next) {
      next = index + 1;
      if (this.flash.states.get(index) !== NvsEntryState.written) continue;
      const bytes = this.flash.read(index);
      if (!isConsistentNvsEntry(bytes, index)) {
        this.eraseItemAt(index, { purge: true });
        continue;
      }
      const [, entryType = 0, span = 1] = bytes;
      if (isNvsVariableType(entryType)) next = index + span;
      const verdict = matchNvsEntry(bytes, query);
      if (verdict === "mismatch") return undefined;
      if (verdict === "match") return { index, entry: parseNvsEntry(bytes.slice()) };
    }
    return undefined;
  }

  /** All items that match, in the order in which they were written. They may be erased on the way. */
  *findAll(query: NvsQuery): Generator<FoundEntry, void, void> {
    let found = this.find(query);
    while (found !== undefined) {
      yield found;
      found = this.find(query, found.index + found.entry.span);
    }
  }

  /** Erases the first item that matches. Whether there was one. */
  erase(query: NvsQuery, options: { readonly purge: boolean }): boolean {
    const found = this.find(query);
    if (found === undefined) return false;
    this.eraseItemAt(found.index, options);
    return true;
  }

  /** The payload of a string or chunk, or `undefined` if its CRC is wrong; then the item is erased. */
  readPayload(found: FoundEntry): Uint8Array | undefined {
    const { sizeBytes, crc } = parseNvsVariableData(found.entry.data);
    const payload = this.flash.read(found.index + 1, sizeBytes).slice();
    if (crc32(payload, NVS_CRC_SEED) === crc) return payload;
    this.eraseItemAt(found.index, { purge: true });
    return undefined;
  }

  /** Whether the payload of a string or chunk is these bytes, and its CRC right. */
  holdsPayload(found: FoundEntry, payload: Uint8Array): boolean {
    const { sizeBytes, crc } = parseNvsVariableData(found.entry.data);
    if (sizeBytes !== payload.length || crc !== crc32(payload, NVS_CRC_SEED)) return false;
    return equalBytes(this.flash.read(found.index + 1, sizeBytes), payload);
  }

  /**
   * Writes an item behind the last one (`Page::writeItem`): its first entry, then the full entries of its payload in
   * one go, then the padded rest; the bitmap word after each.
   *
   * @returns ESP_OK, PAGE_FULL, KEY_TOO_LONG, VALUE_TOO_LONG or INVALID_STATE.
   */
  writeItem(item: NvsItem): number {
    if (this.#state === "corrupt") return ESP_ERR_NVS_INVALID_STATE;
    if (this.#state === "uninitialized") this.#initialize();
    if (this.#state === "full") return ESP_ERR_NVS_PAGE_FULL;
    if (item.key.lengthBytes > NVS_KEY_LENGTH_MAX) return ESP_ERR_NVS_KEY_TOO_LONG;
    if (item.data.length > NVS_CHUNK_SIZE_MAX) return ESP_ERR_NVS_VALUE_TOO_LONG;
    const { namespaceIndex, type, key, data, chunkIndex = NVS_CHUNK_ANY } = item;
    const hasPayload = isNvsVariableType(type);
    const span = hasPayload ? nvsSpanOf(data.length) : 1;
    if (this.nextFreeIndex + span > NVS_ENTRY_COUNT) return ESP_ERR_NVS_PAGE_FULL;

    const field = hasPayload ? buildNvsVariableData(data) : data;
    this.setHash(this.nextFreeIndex, hashNvsKey(namespaceIndex, key.bytes, chunkIndex));
    this.#writeEntries(buildNvsEntry({ namespaceIndex, type, span, chunkIndex, key: key.bytes, data: field }));
    if (hasPayload) this.#writePayload(data);
    return ESP_OK;
  }

  /**
   * Erases the item whose first entry this is (`Page::eraseEntryAndSpan`): the bitmap only. Of an entry that is
   * damaged or not written, nothing but itself.
   *
   * @param options - `purge`: overwrite the entries with zeros afterwards.
   */
  eraseItemAt(index: number, options: { readonly purge: boolean }): void {
    let span = 1;
    if (this.flash.states.get(index) === NvsEntryState.written) {
      const bytes = this.flash.read(index);
      if (isConsistentNvsEntry(bytes, index)) span = parseNvsEntry(bytes).span;
      this.#keyHashes[index] = NO_HASH;
    }
    this.flash.programStates(index, index + span, NvsEntryState.erased);
    if (options.purge) this.flash.purge(index, index + span);
    this.nextFreeIndex = Math.max(this.nextFreeIndex, index + span);
  }

  /** Makes an entry count as erased whatever it holds, and overwrites it with zeros. */
  discardEntry(index: number): void {
    this.flash.programStates(index, index + 1, NvsEntryState.erased);
    this.flash.purge(index, index + 1);
  }

  /**
   * Copies every written entry behind what `target` has (`Page::copyItems`).
   *
   * @returns ESP_OK, or ESP_FAIL where a span leads out of a page.
   */
  copyItemsTo(target: NvsPage): number {
    let index = this.flash.states.firstIndexOf(NvsEntryState.written);
    if (index === NVS_ENTRY_COUNT) return ESP_OK;
    if (target.#state === "uninitialized") target.#initialize();
    while (index < NVS_ENTRY_COUNT) {
      if (this.flash.states.get(index) !== NvsEntryState.written) {
        index++;
        continue;
      }
      const bytes = this.flash.read(index);
      const { namespaceIndex, key, chunkIndex, span } = parseNvsEntry(bytes);
      if (target.nextFreeIndex === NVS_ENTRY_COUNT) return ESP_FAIL;
      target.setHash(target.nextFreeIndex, hashNvsKey(namespaceIndex, key, chunkIndex));
      target.#writeEntries(bytes);
      const end = index + span;
      if (span === 0 || end > NVS_ENTRY_COUNT || target.nextFreeIndex + span - 1 > NVS_ENTRY_COUNT) return ESP_FAIL;
      for (let rest = index + 1; rest < end; rest++) target.#writeEntries(this.flash.read(rest));
      index = end;
    }
    return ESP_OK;
  }

  /** active → full: takes no more items. INVALID_STATE from any other state. */
  markFull(): number {
    if (this.#state !== "active") return ESP_ERR_NVS_INVALID_STATE;
    this.flash.programPageState("full");
    this.#state = "full";
    return ESP_OK;
  }

  /** active | full → freeing: the items are being moved away. INVALID_STATE from any other state. */
  markFreeing(): number {
    if (this.#state !== "full" && this.#state !== "active") return ESP_ERR_NVS_INVALID_STATE;
    this.flash.programPageState("freeing");
    this.#state = "freeing";
    return ESP_OK;
  }

  /** Erases the sector. */
  eraseSector(): void {
    this.flash.eraseSector();
    this.#keyHashes.fill(NO_HASH);
    this.nextFreeIndex = NVS_ENTRY_COUNT;
    this.#state = "uninitialized";
  }

  /** Remembers the hash of the item that begins at an entry. */
  setHash(index: number, hash: number): void {
    this.#keyHashes[index] = hash;
  }

  /** The first item with that hash at or behind an entry, or 126. */
  firstIndexOfHash(hash: number, fromIndex: number): number {
    const index = this.#keyHashes.indexOf(hash, fromIndex);
    return index < 0 ? NVS_ENTRY_COUNT : index;
  }

  #initialize(): void {
    this.flash.programHeader(this.sequence, this.version);
    this.#state = "active";
    this.nextFreeIndex = 0;
  }

  #writeEntries(bytes: Uint8Array): void {
    this.flash.programEntries(this.nextFreeIndex, bytes);
    this.nextFreeIndex += bytes.length / NVS_ENTRY_SIZE;
  }

  #writePayload(payload: Uint8Array): void {
    const restSizeBytes = payload.length % NVS_ENTRY_SIZE;
    const fullSizeBytes = payload.length - restSizeBytes;
    if (fullSizeBytes > 0) this.#writeEntries(payload.subarray(0, fullSizeBytes));
    if (restSizeBytes === 0) return;
    const rest = new Uint8Array(NVS_ENTRY_SIZE).fill(0xff);
    rest.set(payload.subarray(fullSizeBytes));
    this.#writeEntries(rest);
  }
}
