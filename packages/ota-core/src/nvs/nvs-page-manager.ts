import { NVS_ENTRY_COUNT, NVS_NAMESPACE_ANY, NvsType } from "./nvs-entry.ts";
import { NvsErr } from "./nvs-err.ts";
import type { FoundEntry } from "./nvs-item.ts";
import { nvsKeyFromBytes } from "./nvs-key.ts";
import type { NvsPage } from "./nvs-page.ts";
import { NVS_PAGE_SIZE } from "./nvs-page-header.ts";
import { loadNvsPage, type NvsLoadContext } from "./nvs-page-load.ts";
import { hashOfQuery, type NvsQuery } from "./nvs-query.ts";

/** An item and the page it is in. */
export interface FoundItem extends FoundEntry {
  readonly page: NvsPage;
}

/**
 * Pages of a partition in the order of activation, and the free pages (ESP-IDF `nvs_pagemanager.cpp`). One page stays
 * free to receive the items of another one.
 *
 * ESP-IDF can lose items here, and so does this class. A page is erased after its items are moved. If a power cut
 * interrupts the erase, its header may be readable although items are gone. Its state is then still "freeing", so the
 * next start erases the page with the good copies and moves the remaining items. (If the cut changes the state word
 * instead, old items may return, or no page is free.)
 */
export class NvsPageManager {
  readonly #context: NvsLoadContext;
  readonly #pages: NvsPage[] = [];
  readonly #free: NvsPage[] = [];
  #nextSequence = 0;

  private constructor(context: NvsLoadContext) {
    this.#context = context;
  }

  /**
   * Reads all pages and finishes operations that a power cut interrupted (`PageManager::load`): erasing an old value
   * after the new one was written, and moving a page's items.
   *
   * @returns The error: NEW_VERSION_FOUND, NO_FREE_PAGES, NOT_ENOUGH_SPACE if there is no page to activate, or
   * ESP_FAIL if a page contradicts itself.
   */
  static load(context: NvsLoadContext): { readonly err: number; readonly manager: NvsPageManager } {
    const manager = new NvsPageManager(context);
    for (let offset = 0; offset < manager.pageCount * NVS_PAGE_SIZE; offset += NVS_PAGE_SIZE) {
      const { err, page } = loadNvsPage(context, offset);
      if (err !== NvsErr.ESP_OK) return { err, manager };
      manager.#sort(page);
    }
    const newest = manager.#pages.at(-1);
    if (newest === undefined) return { err: manager.#activatePage(), manager };
    manager.#nextSequence = (newest.sequence + 1) >>> 0;
    manager.#eraseOldCopyOfLastItem(newest);
    const err = manager.#finishFreeing();
    if (err !== NvsErr.ESP_OK) return { err, manager };
    return { err: manager.#free.length === 0 ? NvsErr.ESP_ERR_NVS_NO_FREE_PAGES : NvsErr.ESP_OK, manager };
  }

  /**
   * Reads all pages for inspection. Unlike {@link NvsPageManager.load}, moves no items, activates no page, and
   * continues after a page of a newer format.
   */
  static inspect(context: NvsLoadContext): NvsPageManager {
    const manager = new NvsPageManager(context);
    for (let offset = 0; offset < manager.pageCount * NVS_PAGE_SIZE; offset += NVS_PAGE_SIZE) {
      manager.#sort(loadNvsPage(context, offset).page);
    }
    const newest = manager.#pages.at(-1);
    if (newest !== undefined) manager.#eraseOldCopyOfLastItem(newest);
    const freeing = manager.#dropCopiesOfFreeing();
    if (freeing !== undefined) {
      manager.#pages.splice(manager.#pages.indexOf(freeing), 1);
      manager.#pages.push(freeing);
    }
    if (manager.#free.length === 0) context.observer?.onRecovery("no-free-page", 0);
    return manager;
  }

  /** Number of pages. An incomplete page at the end is not used. */
  get pageCount(): number {
    return Math.floor(this.#context.storage.sizeBytes / NVS_PAGE_SIZE);
  }

  /** Pages with a sequence number, oldest first. */
  get pages(): readonly NvsPage[] {
    return this.#pages;
  }

  /** Returns the newest page, which receives new items. */
  get current(): NvsPage | undefined {
    return this.#pages.at(-1);
  }

  /** Free pages. */
  get freePageCount(): number {
    return this.#free.length;
  }

  /** Drops the copies of pages in memory. */
  releaseSnapshots(): void {
    for (const page of [...this.#pages, ...this.#free]) page.flash.releaseSnapshot();
  }

  /**
   * Activates another page (`PageManager::requestNewPage`): a free one if another free one remains, otherwise a free
   * one with the items of the page that has the most reclaimable entries.
   *
   * @returns NOT_ENOUGH_SPACE if no entry can be reclaimed, INVALID_STATE if no page is free, ESP_FAIL if the number of
   *   moved entries differs from the page's count; both pages then stay in use.
   */
  requestNewPage(): number {
    if (this.#free.length === 0) return NvsErr.ESP_ERR_NVS_INVALID_STATE;
    if (this.#free.length >= 2) return this.#activatePage();

    let emptiest: NvsPage | undefined;
    let unusedCountMax = 0;
    for (const page of this.#pages) {
      const unusedCount = (NVS_ENTRY_COUNT - page.usedEntryCount) >>> 0;
      if (unusedCount <= unusedCountMax) continue;
      emptiest = page;
      unusedCountMax = unusedCount;
    }
    if (emptiest === undefined) return NvsErr.ESP_ERR_NVS_NOT_ENOUGH_SPACE;
    const usedCount = emptiest.usedEntryCount;
    const err = this.#beginFreeing(emptiest) || this.#copyAndErase(emptiest);
    if (err !== NvsErr.ESP_OK) return err;
    if (this.current?.usedEntryCount !== usedCount) return NvsErr.ESP_FAIL;
    this.#release(emptiest);
    return NvsErr.ESP_OK;
  }

  /** Ends a page that can't take an item, and requests a new one. Errors are {@link requestNewPage}'s. */
  replaceCurrentPage(page: NvsPage): number {
    const err = page.state === "full" ? NvsErr.ESP_OK : page.markFull();
    return err === NvsErr.ESP_OK ? this.requestNewPage() : err;
  }

  /** Finds the first item that matches, in the oldest page that has one. */
  find(query: NvsQuery): FoundItem | undefined {
    const hash = hashOfQuery(query);
    for (const page of this.#pages) {
      const found = page.find(query, 0, hash);
      if (typeof found !== "number") return { ...found, page };
    }
    return undefined;
  }

  #sort(page: NvsPage): void {
    if (!page.isInUse) {
      this.#free.push(page);
      return;
    }
    let [low, high] = [0, this.#pages.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#pages[middle]?.sequence ?? 0) > page.sequence) high = middle;
      else low = middle + 1;
    }
    this.#pages.splice(low, 0, page);
  }

  #activatePage(): number {
    const page = this.#free[0];
    if (page === undefined) return NvsErr.ESP_ERR_NVS_NOT_ENOUGH_SPACE;
    if (page.state === "corrupt") page.eraseSector();
    this.#free.shift();
    this.#pages.push(page);
    page.sequence = this.#nextSequence;
    this.#nextSequence = (this.#nextSequence + 1) >>> 0;
    return NvsErr.ESP_OK;
  }

  #beginFreeing(page: NvsPage): number {
    if (this.#context.behaviors.marksFreeingFirst) return page.markFreeing() || this.#activatePage();
    return this.#activatePage() || page.markFreeing();
  }

  /** Copies the items of a freeing page to the current one and erases it. */
  #copyAndErase(source: NvsPage): number {
    const target = this.current;
    if (target === undefined) return NvsErr.ESP_ERR_NVS_INVALID_STATE;
    const err = source.copyItemsTo(target);
    if (err !== NvsErr.ESP_OK && err !== NvsErr.ESP_ERR_NVS_NOT_FOUND) return err;
    source.eraseSector();
    return NvsErr.ESP_OK;
  }

  #release(page: NvsPage): void {
    this.#pages.splice(this.#pages.indexOf(page), 1);
    this.#free.push(page);
  }

  /**
   * Erases the old copy of the last item. An item is written before the one that it replaces is erased, so a power cut
   * can leave both; only the newest page's last item can be affected.
   */
  #eraseOldCopyOfLastItem(newest: NvsPage): void {
    let last: FoundEntry | undefined;
    for (const found of newest.findAll({ namespaceIndex: NVS_NAMESPACE_ANY, type: NvsType.any })) last = found;
    if (last === undefined) return;
    const { namespaceIndex, type, chunkIndex, key } = last.entry;
    const query = { namespaceIndex, type, key: nvsKeyFromBytes(key), chunkIndex };
    if (this.#eraseOldCopy(newest, query)) return;
    // A blob of format version 1 has no index that the new one could replace.
    if (type === NvsType.blobIndex) this.#eraseOldCopy(newest, { ...query, type: NvsType.blob });
  }

  #eraseOldCopy(newest: NvsPage, query: NvsQuery): boolean {
    const hash = hashOfQuery(query);
    for (const page of this.#pages) {
      if (page === newest || page.state === "freeing") continue;
      const found = page.find(query, 0, hash);
      if (typeof found === "number") continue;
      this.#context.observer?.onRecovery("item-twice-in-older-page", page.flash.offsetOf(found.index), found.entry);
      const { zeroesDiscardedEntries } = this.#context.behaviors;
      if (page.eraseItemAt(found.index, { purge: zeroesDiscardedEntries }) === NvsErr.ESP_OK) return true;
    }
    return false;
  }

  #finishFreeing(): number {
    const current = this.current;
    const freeing = this.#dropCopiesOfFreeing();
    if (freeing === undefined) return NvsErr.ESP_OK;
    if (this.current !== current) current?.eraseSector();
    const err = this.#activatePage() || this.#copyAndErase(freeing);
    if (err === NvsErr.ESP_OK) this.#release(freeing);
    return err;
  }

  /**
   * Discards the newest page if another page is freeing. The freeing page still has all its items, so their copies in
   * the newest page are not needed.
   *
   * @returns The page that is freeing.
   */
  #dropCopiesOfFreeing(): NvsPage | undefined {
    const freeing = this.#pages.find((page) => page.state === "freeing");
    const newest = this.current;
    if (freeing === undefined || newest === undefined) return undefined;
    this.#context.observer?.onRecovery("page-freeing", freeing.flash.offset);
    if (newest.state === "active") this.#release(newest);
    return freeing;
  }
}
