import type { NvsBehaviors } from "./nvs-engine-behaviors.ts";
import { isNvsVariableType, NVS_CHUNK_SIZE_MAX, NVS_ENTRY_COUNT, NVS_ENTRY_SIZE, parseNvsEntry } from "./nvs-entry.ts";
import { NvsEntryIndex } from "./nvs-entry-index.ts";
import { NvsEntryState } from "./nvs-entry-states.ts";
import { NvsErr } from "./nvs-err.ts";
import { encodeNvsItem, type FoundEntry, hashNvsItem, type NvsItem, nvsItemSpan } from "./nvs-item.ts";
import { hashNvsEntry, NVS_KEY_LENGTH_MAX } from "./nvs-key.ts";
import { NvsPageFlash } from "./nvs-page-flash.ts";
import { NVS_VERSION, type NvsPageState } from "./nvs-page-header.ts";
import { hashOfQuery, matchNvsEntry, type NvsQuery } from "./nvs-query.ts";
import type { NvsStorage } from "./nvs-storage.ts";

/** Index that means "no entry". */
const NO_ENTRY = NVS_ENTRY_COUNT;
const COUNT_MASK = 0xffff;

/** State that the pages of a partition share. */
export interface NvsPageContext {
  readonly storage: NvsStorage;
  readonly behaviors: NvsBehaviors;
  readonly abort: (where: string, why: string) => never;
}

/**
 * One page of NVS (ESP-IDF `nvs_page.cpp`): a header, a bitmap of entry states, 126 entries of 32 bytes.
 *
 * Every entry is programmed before its bitmap word, so an entry that a power cut interrupts does not count.
 * `loadNvsPage` repairs what a power cut leaves.
 *
 * Counts and indices are kept as in ESP-IDF, not derived from the bitmap. If the bitmap is damaged they differ from it,
 * and ESP-IDF uses them to decide what happens to the page.
 */
export class NvsPage {
  readonly #context: NvsPageContext;
  #state: NvsPageState = "uninitialized";
  #usedCount = 0;

  /** Bytes of the page. */
  readonly flash: NvsPageFlash;
  /** Hashes of the page's items, and checks of its entries. */
  readonly index: NvsEntryIndex;
  /** First entry that has never been written; 126 if there is none. */
  nextFreeIndex: number = NO_ENTRY;
  /** The first entry in use, where searches begin; 126 if there is none. */
  firstUsedIndex: number = NO_ENTRY;
  /** Position in the order of pages; set before a page is first written. */
  sequence = 0;
  /** Format version in the header; in a blank page, the version to write. */
  version: number = NVS_VERSION;

  /** @param offset - Where the page begins in the partition, bytes. */
  constructor(context: NvsPageContext, offset: number) {
    this.#context = context;
    this.flash = new NvsPageFlash(context.storage, offset);
    this.index = new NvsEntryIndex(context.behaviors);
  }

  /** Behaviors of the release of ESP-IDF. */
  get behaviors(): NvsBehaviors {
    return this.#context.behaviors;
  }

  get state(): NvsPageState {
    return this.#state;
  }

  /** Returns `true` if the page has a place in the order of pages. */
  get isInUse(): boolean {
    return this.#state === "active" || this.#state === "full" || this.#state === "freeing";
  }

  /** Number of entries in use, 16 bits. If the bitmap is damaged, it can be below 0 or above 126, as in ESP-IDF. */
  get usedEntryCount(): number {
    return this.#usedCount;
  }

  /** Maximum payload of one more chunk in this page, in bytes. */
  get tailroomBytes(): number {
    if (this.#state === "uninitialized") return NVS_CHUNK_SIZE_MAX;
    if (this.#state === "full") return 0;
    return Math.max(0, (NVS_ENTRY_COUNT - this.nextFreeIndex - 1) * NVS_ENTRY_SIZE);
  }

  /** Sets the state that the page has in flash. Writes nothing. */
  adoptState(state: NvsPageState): void {
    this.#state = state;
  }

  /** Counts the entries in use according to the bitmap in memory, and finds the first. */
  countEntries(): void {
    this.#usedCount = this.flash.states.count(NvsEntryState.written);
    this.firstUsedIndex = this.flash.states.firstIndexOf(NvsEntryState.written);
  }

  /** Returns `true` if an entry counts: see {@link NvsEntryIndex.isWhole}. */
  isWhole(bytes: Uint8Array, index: number): boolean {
    return this.index.isWhole(bytes, index, this.flash.hasSnapshot);
  }

  /**
   * Finds an item (`Page::findItem`). Erases damaged entries that it meets.
   *
   * @param fromIndex - Entry to start at.
   * @param hash - Hash of the query, if already known.
   * @returns The item, or NOT_FOUND or TYPE_MISMATCH.
   */
  find(query: NvsQuery, fromIndex = 0, hash: number | undefined = hashOfQuery(query)): FoundEntry | number {
    if (!this.isInUse) return NvsErr.ESP_ERR_NVS_NOT_FOUND;
    let start = Math.max(fromIndex, this.firstUsedIndex);
    if (hash !== undefined) start = this.index.find(hash, start);
    const end = this.nextFreeIndex;
    let next = start;
    for (let index = start; index < end; index = next) {
      next = index + 1;
      if (this.flash.states.get(index) !== NvsEntryState.written) continue;
      const bytes = this.flash.read(index);
      if (!this.isWhole(bytes, index)) {
        this.discardItemAt(index);
        continue;
      }
      const [, entryType = 0, span = 1] = bytes;
      if (isNvsVariableType(entryType)) next = index + span;
      const verdict = matchNvsEntry(bytes, query);
      if (verdict === "mismatch") return NvsErr.ESP_ERR_NVS_TYPE_MISMATCH;
      if (verdict === "match") return { index, entry: parseNvsEntry(bytes.slice()) };
      if (next === index) this.#context.abort("Page::findItem", "loops at an entry of span 0");
    }
    return NvsErr.ESP_ERR_NVS_NOT_FOUND;
  }

  /** Yields all items that match, in the order in which they were written. They may be erased on the way. */
  *findAll(query: NvsQuery): Generator<FoundEntry, void, void> {
    const hash = hashOfQuery(query);
    let found = this.find(query, 0, hash);
    while (typeof found !== "number") {
      yield found;
      if (found.entry.span === 0) this.#context.abort("Storage::init", "loops at an item of span 0");
      found = this.find(query, found.index + found.entry.span, hash);
    }
  }

  /** Erases the first item that matches. @returns ESP_OK, or the error of {@link find} or {@link eraseItemAt}. */
  erase(query: NvsQuery, options: { readonly purge: boolean }): number {
    const found = this.find(query);
    return typeof found === "number" ? found : this.eraseItemAt(found.index, options);
  }

  /**
   * Writes an item after the last one (`Page::writeItem`): its first entry, then the full entries of its payload at
   * once, then the padded rest, each followed by the bitmap word.
   *
   * @returns ESP_OK, PAGE_FULL, KEY_TOO_LONG, VALUE_TOO_LONG or INVALID_STATE.
   */
  writeItem(item: NvsItem): number {
    if (this.#state === "corrupt") return NvsErr.ESP_ERR_NVS_INVALID_STATE;
    if (this.#state === "uninitialized") this.#initialize();
    if (this.#state === "full") return NvsErr.ESP_ERR_NVS_PAGE_FULL;
    if (item.key.lengthBytes > NVS_KEY_LENGTH_MAX) return NvsErr.ESP_ERR_NVS_KEY_TOO_LONG;
    if (item.data.length > NVS_CHUNK_SIZE_MAX) return NvsErr.ESP_ERR_NVS_VALUE_TOO_LONG;
    if (this.nextFreeIndex + nvsItemSpan(item) > NVS_ENTRY_COUNT) return NvsErr.ESP_ERR_NVS_PAGE_FULL;
    this.index.set(this.nextFreeIndex, hashNvsItem(item));
    for (const entries of encodeNvsItem(item)) this.#writeEntries(entries);
    return NvsErr.ESP_OK;
  }

  /**
   * Erases the item whose first entry this is (`Page::eraseEntryAndSpan`): the bitmap only. Of an entry that is
   * damaged or not written, nothing but itself.
   *
   * @param options - `purge`: overwrite the entries with zeros afterwards.
   * @returns ESP_OK, or ESP_FAIL for an item of no entries or of more than the page has.
   */
  eraseItemAt(index: number, options: { readonly purge: boolean }): number {
    let span = 1;
    if (this.flash.states.get(index) === NvsEntryState.written) {
      const bytes = this.flash.read(index);
      if (this.isWhole(bytes, index)) span = bytes[2] ?? 0;
      this.index.delete(index);
      if (index + span > NVS_ENTRY_COUNT || span === 0) return NvsErr.ESP_FAIL;
      let writtenCount = 0;
      for (let part = index; part < index + span; part++) {
        if (this.flash.states.get(part) === NvsEntryState.written) writtenCount++;
      }
      this.#usedCount = (this.#usedCount - writtenCount) & COUNT_MASK;
    }
    this.flash.programStates(index, index + span, NvsEntryState.erased);
    if (options.purge) this.flash.purge(index, index + span);
    if (index === this.firstUsedIndex) this.#findFirstUsedBehind(index + span);
    this.nextFreeIndex = Math.max(this.nextFreeIndex, index + span);
    return NvsErr.ESP_OK;
  }

  /** Erases an item that recovery discards: {@link eraseItemAt} with zeros if the release writes them. */
  discardItemAt(index: number): number {
    return this.eraseItemAt(index, { purge: this.#context.behaviors.zeroesDiscardedEntries });
  }

  /** Marks an entry as erased, regardless of its content. */
  discardEntry(index: number): void {
    if (this.flash.states.get(index) === NvsEntryState.written) this.#usedCount = (this.#usedCount - 1) & COUNT_MASK;
    this.flash.programStates(index, index + 1, NvsEntryState.erased);
    if (this.#context.behaviors.zeroesDiscardedEntries) this.flash.purge(index, index + 1);
  }

  /**
   * Copies every written entry after the entries of `target` (`Page::copyItems`).
   *
   * @returns ESP_OK; NOT_FOUND if there are no entries; ESP_FAIL if a span leads out of a page.
   */
  copyItemsTo(target: NvsPage): number {
    let index = this.firstUsedIndex;
    if (index === NO_ENTRY) return NvsErr.ESP_ERR_NVS_NOT_FOUND;
    if (target.#state === "uninitialized") target.#initialize();
    while (index < NVS_ENTRY_COUNT) {
      if (this.flash.states.get(index) !== NvsEntryState.written) {
        if (index === this.firstUsedIndex) return NvsErr.ESP_FAIL;
        index++;
        continue;
      }
      const bytes = this.flash.read(index);
      target.index.set(target.nextFreeIndex, hashNvsEntry(bytes));
      const end = index + (bytes[2] ?? 0);
      if (!target.#append(bytes) || end > NVS_ENTRY_COUNT) return NvsErr.ESP_FAIL;
      for (let rest = index + 1; rest < end; rest++) {
        if (!target.#append(this.flash.read(rest))) return NvsErr.ESP_FAIL;
      }
      index = end;
    }
    return NvsErr.ESP_OK;
  }

  /**
   * Marks an active page as full, so that it receives no further items.
   *
   * @returns ESP_OK, or INVALID_STATE from any other state.
   */
  markFull(): number {
    if (this.#state !== "active") return NvsErr.ESP_ERR_NVS_INVALID_STATE;
    this.flash.programPageState("full");
    this.#state = "full";
    return NvsErr.ESP_OK;
  }

  /**
   * Marks an active or full page as freeing: its items are being moved.
   *
   * @returns ESP_OK, or INVALID_STATE from any other state.
   */
  markFreeing(): number {
    if (this.#state !== "full" && this.#state !== "active") return NvsErr.ESP_ERR_NVS_INVALID_STATE;
    this.flash.programPageState("freeing");
    this.#state = "freeing";
    return NvsErr.ESP_OK;
  }

  /** Erases the sector. */
  eraseSector(): void {
    this.flash.eraseSector();
    this.index.clear();
    this.#usedCount = 0;
    this.nextFreeIndex = NO_ENTRY;
    this.firstUsedIndex = NO_ENTRY;
    this.#state = "uninitialized";
  }

  #initialize(): void {
    this.flash.programHeader(this.sequence, this.version);
    this.#state = "active";
    this.nextFreeIndex = 0;
  }

  /** Like ESP-IDF, stops at the first free entry, although a damaged bitmap may have written ones after it. */
  #findFirstUsedBehind(begin: number): void {
    this.firstUsedIndex = NO_ENTRY;
    for (let index = begin; index < this.nextFreeIndex; index++) {
      if (this.flash.states.get(index) !== NvsEntryState.written) continue;
      this.firstUsedIndex = index;
      return;
    }
  }

  /** Writes one entry. @returns `true` if there was room. */
  #append(entry: Uint8Array): boolean {
    if (this.nextFreeIndex >= NVS_ENTRY_COUNT) return false;
    this.#writeEntries(entry);
    return true;
  }

  #writeEntries(bytes: Uint8Array): void {
    const count = bytes.length / NVS_ENTRY_SIZE;
    this.flash.programEntries(this.nextFreeIndex, bytes);
    if (this.firstUsedIndex === NO_ENTRY) this.firstUsedIndex = this.nextFreeIndex;
    this.#usedCount = (this.#usedCount + count) & COUNT_MASK;
    this.nextFreeIndex += count;
  }
}
