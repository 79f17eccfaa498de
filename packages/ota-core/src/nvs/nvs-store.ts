import { equalBytes } from "../bytes.ts";
import { eraseIncompleteBlobs } from "./nvs-blob-recovery.ts";
import { NvsBlobs } from "./nvs-blobs.ts";
import { NEWEST_NVS_BEHAVIORS, type NvsBehaviors } from "./nvs-engine-behaviors.ts";
import {
  isNvsVariableType,
  NVS_CHUNK_START,
  NVS_ENTRY_COUNT,
  NvsType,
  parseNvsBlobIndex,
  parseNvsVariableData,
} from "./nvs-entry.ts";
import { NvsErr } from "./nvs-err.ts";
import type { NvsItem } from "./nvs-item.ts";
import { hasNvsKey, type NvsKey, nvsKeyFromBytes } from "./nvs-key.ts";
import type { NvsObserver } from "./nvs-observer.ts";
import type { NvsOptions } from "./nvs-options.ts";
import type { NvsPage } from "./nvs-page.ts";
import type { NvsLoadContext } from "./nvs-page-load.ts";
import { type FoundItem, NvsPageManager } from "./nvs-page-manager.ts";
import { holdsNvsPayload, readNvsPayload } from "./nvs-payload.ts";
import type { NvsStorage } from "./nvs-storage.ts";

const NAMESPACE_TABLE = 0;
const NAMESPACE_INDEX_MAX = 254;
/** Order in which releases before 5.5.2 search for a value of another type. */
const TYPES_IN_ORDER: readonly number[] = [
  NvsType.u8,
  NvsType.u16,
  NvsType.u32,
  NvsType.u64,
  NvsType.i8,
  NvsType.i16,
  NvsType.i32,
  NvsType.i64,
  NvsType.string,
  NvsType.blobIndex,
  NvsType.blob,
];

/** How full a partition is, in entries of 32 bytes (ESP-IDF `nvs_stats_t`). */
export interface NvsStats {
  readonly usedEntries: number;
  /** Entries that hold no item, erased ones included. */
  readonly freeEntries: number;
  /** Free entries outside the page that is reserved for moving items. Absent in releases before 5.2. */
  readonly availableEntries?: number;
  readonly totalEntries: number;
  readonly namespaceCount: number;
}

/** A named namespace. */
interface NvsNamespace {
  readonly name: NvsKey;
  readonly index: number;
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
  readonly #behaviors: NvsBehaviors;
  readonly #blobs: NvsBlobs;
  readonly #namespaces: NvsNamespace[] = [];

  private constructor(context: NvsLoadContext, manager: NvsPageManager) {
    this.#manager = manager;
    this.#behaviors = context.behaviors;
    this.#blobs = new NvsBlobs(manager, context);
    for (const page of manager.pages) {
      for (const { entry } of page.findAll({ namespaceIndex: NAMESPACE_TABLE, type: NvsType.u8 })) {
        this.#namespaces.push({ name: nvsKeyFromBytes(entry.key), index: entry.data[0] ?? 0 });
      }
    }
    eraseIncompleteBlobs(context, manager.pages);
  }

  /**
   * Opens a partition, finishing what a power cut interrupted (`Storage::init`). Any bytes give a store or an error.
   *
   * @returns NEW_VERSION_FOUND, NO_FREE_PAGES, NOT_ENOUGH_SPACE (no page at all) or ESP_FAIL.
   */
  static open(storage: NvsStorage, options: NvsOptions = {}): { readonly err: number; readonly store?: NvsStore } {
    const context = loadContextOf(storage, options);
    const { err, manager } = NvsPageManager.load(context);
    if (err !== NvsErr.ESP_OK) return { err };
    const store = new NvsStore(context, manager);
    manager.releaseSnapshots();
    return { err, store };
  }

  /**
   * Opens a partition for inspection. Unlike {@link NvsStore.open}, moves and activates nothing and accepts any pages.
   * Writes only the marks of erased entries, which memory keeps too, so a storage may drop these writes.
   */
  static inspect(storage: NvsStorage, observer: NvsObserver): NvsStore {
    const context = loadContextOf(storage, { observer });
    return new NvsStore(context, NvsPageManager.inspect(context));
  }

  /** Pages in use, oldest first. */
  get pages(): readonly NvsPage[] {
    return this.#manager.pages;
  }

  /** Namespaces in the order in which they were found. */
  get namespaces(): readonly NvsNamespace[] {
    return this.#namespaces;
  }

  /**
   * Finds the index of a namespace.
   *
   * @param create - Creates the namespace if it does not exist. Otherwise the result is NOT_FOUND; above 254
   *   namespaces, NOT_ENOUGH_SPACE.
   */
  openNamespace(name: NvsKey, create: boolean): { readonly err: number; readonly index?: number } {
    const known = this.#namespaces.find((namespace) => hasNvsKey(namespace.name.bytes, 0, name));
    if (known !== undefined) return { err: NvsErr.ESP_OK, index: known.index };
    if (!create) return { err: NvsErr.ESP_ERR_NVS_NOT_FOUND };
    const taken = new Set(this.#namespaces.map((namespace) => namespace.index));
    let index = 1;
    while (taken.has(index)) index++;
    if (index > NAMESPACE_INDEX_MAX) return { err: NvsErr.ESP_ERR_NVS_NOT_ENOUGH_SPACE };
    const item = { namespaceIndex: NAMESPACE_TABLE, type: NvsType.u8, key: name, data: Uint8Array.of(index) };
    const err = this.#set(item, { purge: this.#behaviors.zeroesDiscardedEntries });
    if (err !== NvsErr.ESP_OK) return { err };
    this.#namespaces.push({ name, index });
    return { err, index };
  }

  /** Reads a value. NOT_FOUND also for another type, or a payload whose CRC is wrong; that item is then erased. */
  get(query: { readonly namespaceIndex: number; readonly type: number; readonly key: NvsKey }): {
    readonly err: number;
    readonly data?: Uint8Array;
  } {
    const { namespaceIndex, type, key } = query;
    if (type === NvsType.blob) {
      // The caller's buffer has the size of the older blob, which the newer must have too.
      const older = this.#behaviors.prefersBlobIndex ? undefined : this.#manager.find(query);
      const index = older && this.#manager.find({ namespaceIndex, type: NvsType.blobIndex, key });
      if (index !== undefined && older !== undefined) {
        const { sizeBytes } = parseNvsVariableData(older.entry.data);
        if (sizeBytes !== parseNvsBlobIndex(index.entry.data).sizeBytes) return { err: NvsErr.ESP_FAIL };
      }
      const blob = this.#blobs.get(namespaceIndex, key);
      if (blob.err !== NvsErr.ESP_ERR_NVS_NOT_FOUND) return blob;
    }
    const found = this.#manager.find(query);
    if (found === undefined) return { err: NvsErr.ESP_ERR_NVS_NOT_FOUND };
    if (type !== NvsType.blob && type !== NvsType.string) return { err: NvsErr.ESP_OK, data: found.entry.data };
    const data = readNvsPayload(found.page, found);
    return typeof data === "number" ? { err: data } : { err: NvsErr.ESP_OK, data };
  }

  /**
   * Writes a value, then erases the previous one of any type (`Storage::writeItem`). Does not write an unchanged value
   * again.
   *
   * @param item - Item. A blob has `NvsType.blob`, regardless of the format of the previous one.
   */
  set(item: NvsItem): number {
    return this.#set(item, { purge: false });
  }

  /** Erases a key of any type. @returns NOT_FOUND if there is none. */
  erase(namespaceIndex: number, key: NvsKey): number {
    const found = this.#manager.find({ namespaceIndex, type: NvsType.any, key });
    if (found === undefined) return NvsErr.ESP_ERR_NVS_NOT_FOUND;
    const { type, data } = found.entry;
    if (!this.#behaviors.erasesChunksByIndex && (type === NvsType.blobIndex || type === NvsType.blobData)) {
      return this.#blobs.eraseEveryVersion(namespaceIndex, key);
    }
    if (type === NvsType.blobIndex) return this.#blobs.erase(namespaceIndex, key, parseNvsBlobIndex(data).chunkStart);
    return found.page.eraseItemAt(found.index, { purge: false });
  }

  /** Erases every key of a namespace; the namespace itself stays. @returns ESP_OK or ESP_FAIL. */
  eraseNamespace(namespaceIndex: number): number {
    const query = { namespaceIndex, type: NvsType.any };
    for (const page of this.#manager.pages) {
      let err: number = NvsErr.ESP_OK;
      while (err === NvsErr.ESP_OK) err = page.erase(query, { purge: false });
      if (err !== NvsErr.ESP_ERR_NVS_NOT_FOUND) return err;
    }
    return NvsErr.ESP_OK;
  }

  /**
   * Counts entries.
   * @returns ESP_FAIL while a page is being freed, which a failed move can leave behind.
   */
  stats(): { readonly err: number; readonly stats?: NvsStats } {
    const { pages, pageCount } = this.#manager;
    let usedEntries = 0;
    for (const { state, usedEntryCount } of pages) {
      if (state === "freeing") return { err: NvsErr.ESP_FAIL };
      usedEntries += usedEntryCount;
    }
    const totalEntries = pageCount * NVS_ENTRY_COUNT;
    const freeEntries = (totalEntries - usedEntries) >>> 0;
    const stats = { usedEntries, freeEntries, totalEntries, namespaceCount: this.#namespaces.length };
    if (!this.#behaviors.countsAvailableEntries) return { err: NvsErr.ESP_OK, stats };
    return { err: NvsErr.ESP_OK, stats: { ...stats, availableEntries: Math.max(0, freeEntries - NVS_ENTRY_COUNT) } };
  }

  #set(item: NvsItem, options: { readonly purge: boolean }): number {
    const { namespaceIndex, key } = item;
    const type = item.type === NvsType.blob ? NvsType.blobIndex : item.type;
    const same = this.#manager.find({ namespaceIndex, type, key });
    const old = same ?? this.#findOtherType(item);
    const oldSequence = old?.page.sequence;
    if (same !== undefined && this.#holds(same, item)) return NvsErr.ESP_OK;

    const err = item.type === NvsType.blob ? this.#writeBlob(item, same) : this.#writeItem(item);
    return err === NvsErr.ESP_OK
      ? this.#eraseReplaced(item, old ?? this.#findOldBlob(item), oldSequence, options)
      : err;
  }

  /** Erases the value that a new one replaces. */
  #eraseReplaced(
    { namespaceIndex, key }: NvsItem,
    old: FoundItem | undefined,
    oldSequence: number | undefined,
    options: { readonly purge: boolean },
  ): number {
    if (old === undefined) return NvsErr.ESP_OK;
    if (old.entry.type === NvsType.blobIndex) {
      return this.#blobs.erase(namespaceIndex, key, parseNvsBlobIndex(old.entry.data).chunkStart);
    }
    // Freeing space may have moved the old value to another page.
    const query = { namespaceIndex, type: old.entry.type, key };
    if (!this.#isMoved(old, oldSequence)) {
      // Without a sequence number, the page may have been reused, even for the new item.
      if (this.#behaviors.tracksMovedPages) return old.page.eraseItemAt(old.index, options);
      return old.page.erase(query, options);
    }
    const now = this.#manager.find(query);
    return now === undefined ? NvsErr.ESP_ERR_NVS_NOT_FOUND : now.page.eraseItemAt(now.index, options);
  }

  /** Finds the value that a new one replaces though its type is another. */
  #findOtherType({ namespaceIndex, key }: NvsItem): FoundItem | undefined {
    const { replacesOtherTypes, findsOtherTypeByPage } = this.#behaviors;
    if (!replacesOtherTypes) return undefined;
    if (findsOtherTypeByPage) return this.#manager.find({ namespaceIndex, type: NvsType.any, key });
    for (const other of TYPES_IN_ORDER) {
      const found = this.#manager.find({ namespaceIndex, type: other, key });
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * Finds a blob of format version 1, which a new blob replaces in any release. Old releases look for it when they
   * write the new one.
   */
  #findOldBlob({ namespaceIndex, type, key }: NvsItem): FoundItem | undefined {
    if (this.#behaviors.replacesOtherTypes || type !== NvsType.blob) return undefined;
    return this.#manager.find({ namespaceIndex, type, key });
  }

  #isMoved({ page }: FoundItem, sequence: number | undefined): boolean {
    if (!this.#behaviors.tracksMovedPages) return page.state === "uninitialized";
    return (page.state !== "active" && page.state !== "full") || page.sequence !== sequence;
  }

  #holds(found: FoundItem, item: NvsItem): boolean {
    if (item.type === NvsType.blob) return this.#blobs.holds(found.entry, item);
    if (isNvsVariableType(item.type)) return holdsNvsPayload(found.page, found, item.data);
    return equalBytes(found.entry.data.subarray(0, item.data.length), item.data);
  }

  /**
   * Writes a blob. A new version uses the other half of the chunk indices. ESP_FAIL if the old index names neither
   * half.
   */
  #writeBlob(item: NvsItem, same: FoundItem | undefined): number {
    if (same === undefined) return this.#blobs.write(item, NVS_CHUNK_START.first);
    const { chunkStart } = parseNvsBlobIndex(same.entry.data);
    if (chunkStart === NVS_CHUNK_START.first) return this.#blobs.write(item, NVS_CHUNK_START.second);
    if (chunkStart === NVS_CHUNK_START.second) return this.#blobs.write(item, NVS_CHUNK_START.first);
    return NvsErr.ESP_FAIL;
  }

  #writeItem(item: NvsItem): number {
    const page = this.#manager.current;
    const err = page === undefined ? NvsErr.ESP_ERR_NVS_INVALID_STATE : page.writeItem(item);
    if (err !== NvsErr.ESP_ERR_NVS_PAGE_FULL || page === undefined) return err;
    const changed = this.#manager.replaceCurrentPage(page);
    if (changed !== NvsErr.ESP_OK) return changed;
    const retried = this.#manager.current?.writeItem(item) ?? NvsErr.ESP_ERR_NVS_INVALID_STATE;
    return retried === NvsErr.ESP_ERR_NVS_PAGE_FULL ? NvsErr.ESP_ERR_NVS_NOT_ENOUGH_SPACE : retried;
  }
}

function loadContextOf(storage: NvsStorage, options: NvsOptions): NvsLoadContext {
  const { behaviors = NEWEST_NVS_BEHAVIORS, observer, abort = abortWithError } = options;
  return { storage, behaviors, observer, abort };
}

function abortWithError(where: string, why: string): never {
  throw new RangeError(`${where} ${why}`);
}
