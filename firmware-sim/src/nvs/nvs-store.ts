import {
  equalBytes,
  hasNvsKey,
  isNvsVariableType,
  NVS_CHUNK_START,
  NVS_ENTRY_COUNT,
  type NvsKey,
  NvsType,
  nvsKeyFromBytes,
  parseNvsBlobIndex,
} from "@tinybms/ota-core";
import { eraseIncompleteBlobs } from "./nvs-blob-index.ts";
import { NvsBlobs } from "./nvs-blobs.ts";
import {
  ESP_ERR_NVS_INVALID_STATE,
  ESP_ERR_NVS_NOT_ENOUGH_SPACE,
  ESP_ERR_NVS_NOT_FOUND,
  ESP_ERR_NVS_PAGE_FULL,
  ESP_FAIL,
  ESP_OK,
} from "./nvs-error.ts";
import type { NvsItem } from "./nvs-page.ts";
import { type FoundItem, NvsPageManager } from "./nvs-page-manager.ts";
import type { NvsStorage } from "./nvs-storage.ts";

const NAMESPACE_TABLE = 0;
const NAMESPACE_INDEX_MAX = 254;
const KEEP = { purge: false } as const;

/** How full a partition is, in entries of 32 bytes (ESP-IDF `nvs_stats_t`). */
export interface NvsStats {
  readonly usedEntries: number;
  /** Not used, erased ones included. */
  readonly freeEntries: number;
  /** Free ones without the page that is kept for moving items. */
  readonly availableEntries: number;
  readonly totalEntries: number;
  readonly namespaceCount: number;
}

/**
 * The items of an NVS partition by namespace, type and key (ESP-IDF `nvs_storage.cpp`).
 *
 * A new value is written before the old one is erased, so a power cut leaves one or the other. Exceptions are ESP-IDF's
 * own: see `loadNvsPage` and {@link NvsPageManager}, and where a key's new value has another type and is in another
 * page than the old one, a cut between write and erase leaves both, each to be read by its type.
 */
export class NvsStore {
  readonly #manager: NvsPageManager;
  readonly #blobs: NvsBlobs;
  readonly #namespaces: { readonly name: NvsKey; readonly index: number }[] = [];

  private constructor(manager: NvsPageManager) {
    this.#manager = manager;
    this.#blobs = new NvsBlobs(manager);
  }

  /**
   * Opens a partition, finishing what a power cut interrupted (`Storage::init`). Any bytes give a store or an error.
   *
   * @returns NEW_VERSION_FOUND, NO_FREE_PAGES, NOT_ENOUGH_SPACE (no page at all) or ESP_FAIL.
   */
  static open(storage: NvsStorage): { readonly err: number; readonly store?: NvsStore } {
    const { err, manager } = NvsPageManager.load(storage);
    if (err !== ESP_OK) return { err };
    const store = new NvsStore(manager);
    store.#loadNamespaces();
    eraseIncompleteBlobs(manager.pages);
    manager.releaseSnapshots();
    return { err, store };
  }

  /**
   * Index of a namespace.
   *
   * @param create - Write it if it isn't there; else NOT_FOUND. NOT_ENOUGH_SPACE past 254 namespaces.
   */
  openNamespace(name: NvsKey, create: boolean): { readonly err: number; readonly index?: number } {
    const known = this.#namespaces.find((namespace) => hasNvsKey(namespace.name.bytes, 0, name));
    if (known !== undefined) return { err: ESP_OK, index: known.index };
    if (!create) return { err: ESP_ERR_NVS_NOT_FOUND };
    const taken = new Set(this.#namespaces.map((namespace) => namespace.index));
    let index = 1;
    while (taken.has(index)) index++;
    if (index > NAMESPACE_INDEX_MAX) return { err: ESP_ERR_NVS_NOT_ENOUGH_SPACE };
    const err = this.set({ namespaceIndex: NAMESPACE_TABLE, type: NvsType.u8, key: name, data: Uint8Array.of(index) });
    if (err !== ESP_OK) return { err };
    this.#namespaces.push({ name, index });
    return { err, index };
  }

  /** Reads a value. NOT_FOUND also for another type, or a payload whose CRC is wrong; that item is then erased. */
  get(query: { readonly namespaceIndex: number; readonly type: number; readonly key: NvsKey }): {
    readonly err: number;
    readonly data?: Uint8Array;
  } {
    if (query.type === NvsType.blob) {
      const blob = this.#blobs.get(query.namespaceIndex, query.key);
      if (blob.err !== ESP_ERR_NVS_NOT_FOUND) return blob;
    }
    const found = this.#manager.find(query);
    if (found === undefined) return { err: ESP_ERR_NVS_NOT_FOUND };
    if (query.type !== NvsType.blob && query.type !== NvsType.string) return { err: ESP_OK, data: found.entry.data };
    const data = found.page.readPayload(found);
    return data === undefined ? { err: ESP_ERR_NVS_NOT_FOUND } : { err: ESP_OK, data };
  }

  /**
   * Writes a value, then erases the one it replaces, of whatever type (`Storage::writeItem`). What is there already
   * isn't written again.
   *
   * @param item - A blob has `NvsType.blob`, whatever the format of the one it replaces.
   */
  set(item: NvsItem): number {
    const { namespaceIndex, key } = item;
    const type = item.type === NvsType.blob ? NvsType.blobIndex : item.type;
    const same = this.#manager.find({ namespaceIndex, type, key });
    const old = same ?? this.#manager.find({ namespaceIndex, type: NvsType.any, key });
    const oldSequence = old?.page.sequence;
    if (same !== undefined && this.#holds(same, item)) return ESP_OK;

    const err = item.type === NvsType.blob ? this.#writeBlob(item, same) : this.#writeItem(item);
    if (err !== ESP_OK || old === undefined) return err;
    if (old.entry.type === NvsType.blobIndex) {
      return this.#blobs.erase(namespaceIndex, key, parseNvsBlobIndex(old.entry.data).chunkStart);
    }
    // Making room may have moved the old value to another page.
    const isMoved = (old.page.state !== "active" && old.page.state !== "full") || old.page.sequence !== oldSequence;
    const now = isMoved ? this.#manager.find({ namespaceIndex, type: old.entry.type, key }) : old;
    if (now === undefined) return ESP_ERR_NVS_NOT_FOUND;
    now.page.eraseItemAt(now.index, KEEP);
    return ESP_OK;
  }

  /** Erases a key of whatever type. NOT_FOUND if there is none. */
  erase(namespaceIndex: number, key: NvsKey): number {
    const found = this.#manager.find({ namespaceIndex, type: NvsType.any, key });
    if (found === undefined) return ESP_ERR_NVS_NOT_FOUND;
    if (found.entry.type === NvsType.blobIndex) {
      return this.#blobs.erase(namespaceIndex, key, parseNvsBlobIndex(found.entry.data).chunkStart);
    }
    found.page.eraseItemAt(found.index, KEEP);
    return ESP_OK;
  }

  /** Erases every key of a namespace; the namespace itself stays. */
  eraseNamespace(namespaceIndex: number): void {
    for (const page of this.#manager.pages) {
      while (page.erase({ namespaceIndex, type: NvsType.any }, KEEP));
    }
  }

  /** Counts entries. ESP_FAIL while a page is being freed, which no finished call leaves. */
  stats(): { readonly err: number; readonly stats?: NvsStats } {
    const { pages, pageCount } = this.#manager;
    if (pages.some((page) => page.state === "freeing")) return { err: ESP_FAIL };
    const usedEntries = pages.reduce((count, page) => count + page.usedEntryCount, 0);
    const totalEntries = pageCount * NVS_ENTRY_COUNT;
    const freeEntries = totalEntries - usedEntries;
    const availableEntries = Math.max(0, freeEntries - NVS_ENTRY_COUNT);
    const namespaceCount = this.#namespaces.length;
    return { err: ESP_OK, stats: { usedEntries, freeEntries, availableEntries, totalEntries, namespaceCount } };
  }

  #loadNamespaces(): void {
    for (const page of this.#manager.pages) {
      for (const { entry } of page.findAll({ namespaceIndex: NAMESPACE_TABLE, type: NvsType.u8 })) {
        this.#namespaces.push({ name: nvsKeyFromBytes(entry.key), index: entry.data[0] ?? 0 });
      }
    }
  }

  #holds(found: FoundItem, item: NvsItem): boolean {
    if (item.type === NvsType.blob) return this.#blobs.holds(found.entry, item);
    if (isNvsVariableType(item.type)) return found.page.holdsPayload(found, item.data);
    return equalBytes(found.entry.data.subarray(0, item.data.length), item.data);
  }

  /** A blob's next version gets the other half of the chunk indices. ESP_FAIL if its index names neither. */
  #writeBlob(item: NvsItem, same: FoundItem | undefined): number {
    if (same === undefined) return this.#blobs.write(item, NVS_CHUNK_START.first);
    const { chunkStart } = parseNvsBlobIndex(same.entry.data);
    if (chunkStart === NVS_CHUNK_START.first) return this.#blobs.write(item, NVS_CHUNK_START.second);
    if (chunkStart === NVS_CHUNK_START.second) return this.#blobs.write(item, NVS_CHUNK_START.first);
    return ESP_FAIL;
  }

  #writeItem(item: NvsItem): number {
    const page = this.#manager.current;
    const err = page === undefined ? ESP_ERR_NVS_INVALID_STATE : page.writeItem(item);
    if (err !== ESP_ERR_NVS_PAGE_FULL || page === undefined) return err;
    const changed = this.#manager.replaceCurrentPage(page);
    if (changed !== ESP_OK) return changed;
    const retried = this.#manager.current?.writeItem(item) ?? ESP_ERR_NVS_INVALID_STATE;
    return retried === ESP_ERR_NVS_PAGE_FULL ? ESP_ERR_NVS_NOT_ENOUGH_SPACE : retried;
  }
}
