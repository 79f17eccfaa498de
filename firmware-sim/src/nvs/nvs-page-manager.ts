import { NVS_ENTRY_COUNT, NVS_NAMESPACE_ANY, NVS_PAGE_SIZE, NvsType, nvsKeyFromBytes } from "@tinybms/ota-core";
import {
  ESP_ERR_NVS_INVALID_STATE,
  ESP_ERR_NVS_NO_FREE_PAGES,
  ESP_ERR_NVS_NOT_ENOUGH_SPACE,
  ESP_OK,
} from "./nvs-error.ts";
import type { FoundEntry, NvsPage } from "./nvs-page.ts";
import { loadNvsPage } from "./nvs-page-load.ts";
import type { NvsQuery } from "./nvs-query.ts";
import type { NvsStorage } from "./nvs-storage.ts";

/** An item and the page it is in. */
export interface FoundItem extends FoundEntry {
  readonly page: NvsPage;
}

/**
 * The pages of a partition in the order they were activated, and the free ones (ESP-IDF `nvs_pagemanager.cpp`).
 *
 * One page stays free, to move the items of another into.
 *
 * A loss of ESP-IDF's own: a page is erased when its items have been moved, and an erase that is cut may leave the
 * header readable while items are gone. The page then still says "freeing", so the next start erases the page with the
 * good copies and moves what is left. (Where the cut changes the state word instead, old items may come back, or no
 * page is free.)
 */
export class NvsPageManager {
  readonly pageCount: number;
  readonly #pages: NvsPage[] = [];
  readonly #free: NvsPage[] = [];
  #nextSequence = 0;

  private constructor(pageCount: number) {
    this.pageCount = pageCount;
  }

  /**
   * Reads all pages and finishes what a power cut interrupted (`PageManager::load`): an old value whose successor was
   * written, and the move of a page's items.
   *
   * @returns The error: NEW_VERSION_FOUND, NO_FREE_PAGES, NOT_ENOUGH_SPACE where there is no page to activate, or
   * ESP_FAIL where a page contradicts itself.
   */
  static load(storage: NvsStorage): { readonly err: number; readonly manager: NvsPageManager } {
    const manager = new NvsPageManager(Math.floor(storage.sizeBytes / NVS_PAGE_SIZE));
    for (let index = 0; index < manager.pageCount; index++) {
      const { err, page } = loadNvsPage(storage, index * NVS_PAGE_SIZE);
      if (err !== ESP_OK) return { err, manager };
      manager.#sort(page);
    }
    const newest = manager.#pages.at(-1);
    if (newest === undefined) return { err: manager.#activatePage(), manager };
    manager.#nextSequence = (newest.sequence + 1) >>> 0;
    manager.#eraseOldCopyOfLastItem(newest);
    const err = manager.#finishFreeing();
    if (err !== ESP_OK) return { err, manager };
    return { err: manager.#free.length === 0 ? ESP_ERR_NVS_NO_FREE_PAGES : ESP_OK, manager };
  }

  /** Pages with a sequence number, oldest first. */
  get pages(): readonly NvsPage[] {
    return this.#pages;
  }

  /** The newest page: where items are written. */
  get current(): NvsPage | undefined {
    return this.#pages.at(-1);
  }

  /** Pages that hold nothing. */
  get freePageCount(): number {
    return this.#free.length;
  }

  /** Ends the time in which pages are read from memory. */
  releaseSnapshots(): void {
    for (const page of [...this.#pages, ...this.#free]) page.flash.releaseSnapshot();
  }

  /**
   * Makes another page the current one (`PageManager::requestNewPage`): a free one if that leaves one free, else a free
   * one with the items of the page that has most entries to win.
   *
   * @returns NOT_ENOUGH_SPACE if there is nothing to win, INVALID_STATE if no page is free.
   */
  requestNewPage(): number {
    if (this.#free.length === 0) return ESP_ERR_NVS_INVALID_STATE;
    if (this.#free.length >= 2) return this.#activatePage();

    let emptiest: NvsPage | undefined;
    let unusedCountMax = 0;
    for (const page of this.#pages) {
      const unusedCount = NVS_ENTRY_COUNT - page.usedEntryCount;
      if (unusedCount <= unusedCountMax) continue;
      emptiest = page;
      unusedCountMax = unusedCount;
    }
    if (emptiest === undefined) return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
    const err = emptiest.markFreeing();
    return err === ESP_OK ? this.#moveItems(emptiest) : err;
  }

  /** Ends a page that can't take an item, and requests a new one. Errors are {@link requestNewPage}'s. */
  replaceCurrentPage(page: NvsPage): number {
    const err = page.state === "full" ? ESP_OK : page.markFull();
    return err === ESP_OK ? this.requestNewPage() : err;
  }

  /** The first item that matches, in the oldest page that has one. */
  find(query: NvsQuery): FoundItem | undefined {
    for (const page of this.#pages) {
      const found = page.find(query);
      if (found !== undefined) return { ...found, page };
    }
    return undefined;
  }

  #sort(page: NvsPage): void {
    if (page.state === "corrupt" || page.state === "uninitialized") {
      this.#free.push(page);
      return;
    }
    const newerIndex = this.#pages.findIndex((other) => other.sequence > page.sequence);
    this.#pages.splice(newerIndex < 0 ? this.#pages.length : newerIndex, 0, page);
  }

  #activatePage(): number {
    const page = this.#free[0];
    if (page === undefined) return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
    if (page.state === "corrupt") page.eraseSector();
    this.#free.shift();
    this.#pages.push(page);
    page.sequence = this.#nextSequence;
    this.#nextSequence = (this.#nextSequence + 1) >>> 0;
    return ESP_OK;
  }

  /** Moves the items of a freeing page to a new one and erases it. */
  #moveItems(source: NvsPage): number {
    const activated = this.#activatePage();
    const target = this.current;
    if (activated !== ESP_OK || target === undefined) return activated;
    const copied = source.copyItemsTo(target);
    if (copied !== ESP_OK) return copied;
    source.eraseSector();
    this.#release(source);
    return ESP_OK;
  }

  #release(page: NvsPage): void {
    this.#pages.splice(this.#pages.indexOf(page), 1);
    this.#free.push(page);
  }

  /** An item is written before the one it replaces is erased. Only the newest page's last item can have been cut there. */
  #eraseOldCopyOfLastItem(newest: NvsPage): void {
    let last: FoundEntry | undefined;
    for (const found of newest.findAll({ namespaceIndex: NVS_NAMESPACE_ANY, type: NvsType.any })) last = found;
    if (last === undefined) return;
    const { namespaceIndex, type, chunkIndex, key } = last.entry;
    const query = { namespaceIndex, key: nvsKeyFromBytes(key), chunkIndex };
    const older = this.#pages.filter((page) => page !== newest && page.state !== "freeing");
    if (older.some((page) => page.erase({ ...query, type }, { purge: true }))) return;
    // A blob of format version 1 has no index that the new one could replace.
    if (type === NvsType.blobIndex) older.some((page) => page.erase({ ...query, type: NvsType.blob }, { purge: true }));
  }

  /** A page that is still freeing has all its items, so what was copied from it is erased and copied again. */
  #finishFreeing(): number {
    const freeing = this.#pages.find((page) => page.state === "freeing");
    const newest = this.current;
    if (freeing === undefined || newest === undefined) return ESP_OK;
    if (newest.state === "active") {
      newest.eraseSector();
      this.#release(newest);
    }
    return this.#moveItems(freeing);
  }
}
