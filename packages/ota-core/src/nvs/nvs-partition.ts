import type { OtaErrorCode } from "../errors.ts";
import { NVS_CHUNK_ANY, NVS_NAMESPACE_ANY, type NvsEntry, NvsType } from "./nvs-entry.ts";
import { NvsEntryState } from "./nvs-entry-states.ts";
import { nvsKeyFromBytes } from "./nvs-key.ts";
import { NvsLookup } from "./nvs-lookup.ts";
import type { NvsObserver, NvsRecovery } from "./nvs-observer.ts";
import type { NvsPage } from "./nvs-page.ts";
import { NVS_PAGE_SIZE, NVS_VERSION, type NvsPageState } from "./nvs-page-header.ts";
import type { FoundItem } from "./nvs-page-manager.ts";
import { readNvsPayload } from "./nvs-payload.ts";
import type { NvsStorage } from "./nvs-storage.ts";
import { NvsStore } from "./nvs-store.ts";
import { type NvsValueType, nvsValueType, readNvsNumber, readNvsText } from "./nvs-value.ts";

/** One value of a partition. */
export interface NvsPartitionEntry {
  /** Its namespace, or `undefined` if the partition has no name for it: then no application can read it. */
  readonly namespace: string | undefined;
  readonly key: string;
  readonly type: NvsValueType;
  /** `bigint` for 64 bits, text up to its first NUL for strings, bytes for blobs; `undefined` if it is damaged. */
  readonly value: number | bigint | string | Uint8Array | undefined;
  /** Offset of its first entry in the partition, in bytes. */
  readonly offset: number;
}

/** One page of a partition. */
export interface NvsPartitionPage {
  readonly offset: number;
  /** State; the content of a `corrupt` page is ignored, and it is erased before its next use. */
  readonly state: NvsPageState;
  /** Sequence number; `undefined` for blank and corrupt pages. */
  readonly sequence: number | undefined;
  /** Number of its 126 entries in each state, from the bitmap in flash. */
  readonly used: number;
  readonly erased: number;
  readonly free: number;
}

/** Part of a partition that differs from the result of a finished write. */
export interface NvsProblem {
  /** `nvs/interrupted` is the effect of a power cut, which NVS repairs without loss when it starts. */
  readonly code: Extract<OtaErrorCode, `nvs/${string}`>;
  readonly message: string;
  /** Bytes from the start of the partition. */
  readonly offset: number;
}

/** Content of an NVS partition. */
export interface NvsPartition {
  /** Format version: 1, or 2, in which blobs may span pages; `undefined` if no page is in use. */
  readonly version: 1 | 2 | undefined;
  readonly namespaces: readonly { readonly name: string; readonly index: number }[];
  /** Items in the order of their pages, oldest first. */
  readonly entries: readonly NvsPartitionEntry[];
  /** In the order of flash. */
  readonly pages: readonly NvsPartitionPage[];
  readonly problems: readonly NvsProblem[];
}

/** Below this size Espressif's generator uses every page, and the partition is read-only. */
const WRITABLE_SIZE_MIN: number = 3 * NVS_PAGE_SIZE;

const NAMESPACE_TABLE = 0;

/** How a recovery is reported. */
interface RecoveryText {
  readonly kind: "interrupted" | "damaged" | "newer-version" | "no-free-page";
  /** Message, or a function of the item or of the page's format. */
  readonly message: string | ((subject: string) => string);
  /** `true` if an encrypted partition is full of such faults, so that they are meaningless. */
  readonly isOfPage: boolean;
}

const WRITTEN_TWICE = "was written again before its old value was erased";

const RECOVERIES: Readonly<Record<NvsRecovery, RecoveryText>> = {
  "page-half-erased": ofPage("interrupted", "the page says that it is blank and is not: an erase was cut short"),
  "page-zeroed": ofPage("interrupted", "the page is all zeros: it was wiped, or an erase was cut short"),
  "page-header-crc": ofPage("damaged", "the CRC of the page header is wrong: nothing in the page counts"),
  "page-newer-version": {
    kind: "newer-version",
    message: (format) => `the page has format ${format}, which is newer than 0xfe (version 2)`,
    isOfPage: false,
  },
  "page-state-unknown": ofPage("damaged", "the state word of the page is unknown: nothing in the page counts"),
  "entry-without-state": ofPage("interrupted", "an entry was written, but its state wasn't: it doesn't count"),
  "entry-state-illegal": ofPage("damaged", "the state of an entry is unknown"),
  "entry-damaged": ofPage("damaged", "an entry is damaged: its CRC or its fields are wrong"),
  "item-half-written": ofPage("interrupted", "an item was not written to its end: it doesn't count"),
  "item-half-erased": ofPage("interrupted", "an item was not erased to its end: it doesn't count"),
  "item-twice": ofPage("interrupted", `an item ${WRITTEN_TWICE}`),
  "item-twice-in-older-page": {
    kind: "interrupted",
    message: (item) => `${item} ${WRITTEN_TWICE}`,
    isOfPage: false,
  },
  "blob-incomplete": {
    kind: "interrupted",
    message: (item) => `${item} belongs to a blob that is not complete: it doesn't count`,
    isOfPage: false,
  },
  "page-freeing": {
    kind: "interrupted",
    message: "the page's items were being moved to another page: they will be moved again",
    isOfPage: false,
  },
  "no-free-page": {
    kind: "no-free-page",
    message: "no page is free, so nvs_flash_init fails with ESP_ERR_NVS_NO_FREE_PAGES (0x110d)",
    isOfPage: false,
  },
};

/**
 * Reads an NVS partition: the values that an app would find after `nvs_flash_init` (ESP-IDF `PageManager::load`,
 * `Storage::init`), the effects of power cuts, and damage. Writes nothing, and accepts any bytes.
 *
 * @param bytes - Partition. An incomplete page at the end is ignored. The result shares no memory with it.
 */
export function readNvsPartition(bytes: Uint8Array): NvsPartition {
  const reading = new PartitionReading(bytes);
  const store = NvsStore.inspect(storageOf(bytes), reading);
  const items = itemsOf(store.pages);
  const namespaces = store.namespaces.map(({ name, index }) => ({ name: readNvsText(name.bytes), index }));
  const entries = entriesOf(items, namespaces);
  return {
    version: versionOf(store.pages),
    namespaces,
    entries,
    pages: reading.pages,
    problems: [...reading.problemsOfPages(), ...problemsOfEntries(entries)].sort(
      (left, right) => left.offset - right.offset,
    ),
  };
}

/** Records what the engine reports. */
class PartitionReading implements NvsObserver {
  readonly pages: NvsPartitionPage[] = [];
  readonly #bytes: Uint8Array;
  readonly #enginePages: NvsPage[] = [];
  readonly #recoveries: { readonly recovery: NvsRecovery; readonly offset: number; readonly subject: string }[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  onPage(page: NvsPage): void {
    const { states, offset } = page.flash;
    this.#enginePages.push(page);
    this.pages.push({
      offset,
      state: page.state,
      sequence: page.isInUse ? page.sequence : undefined,
      used: states.count(NvsEntryState.written),
      erased: states.count(NvsEntryState.erased) + states.count(NvsEntryState.illegal),
      free: states.count(NvsEntryState.empty),
    });
  }

  onRecovery(recovery: NvsRecovery, offset: number, entry?: NvsEntry): void {
    if (recovery === "no-free-page" && this.#bytes.length < WRITABLE_SIZE_MIN) return;
    const format = `0x${(this.#bytes[offset] ?? 0).toString(16)}`;
    this.#recoveries.push({ recovery, offset, subject: entry === undefined ? format : describe(entry) });
  }

  /** Returns the problems that recovery corrected; for an encrypted partition, only that it is encrypted. */
  problemsOfPages(): readonly NvsProblem[] {
    const damagedCount = this.#recoveries.filter(({ recovery }) => recovery === "entry-damaged").length;
    const isEncrypted = damagedCount > 0 && itemsOf(this.#enginePages).length === 0;
    const problems: NvsProblem[] = this.#recoveries
      .filter(({ recovery }) => !(isEncrypted && RECOVERIES[recovery].isOfPage))
      .map(({ recovery, offset, subject }) => {
        const { kind, message } = RECOVERIES[recovery];
        return { code: `nvs/${kind}`, message: typeof message === "string" ? message : message(subject), offset };
      });
    if (isEncrypted) {
      const message = `none of ${damagedCount} entries has a right CRC: the partition is encrypted, or destroyed`;
      problems.push({ code: "nvs/encrypted", message, offset: 0 });
    }
    return problems;
  }
}

/**
 * Returns a storage that ignores writes. The engine keeps the marks of erased entries in memory, so no copy is needed.
 */
function storageOf(bytes: Uint8Array): NvsStorage {
  return {
    sizeBytes: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
    program: () => {},
    eraseSector: () => {},
  };
}

function itemsOf(pages: readonly NvsPage[]): readonly FoundItem[] {
  const items: FoundItem[] = [];
  for (const page of pages) {
    for (const found of page.findAll({ namespaceIndex: NVS_NAMESPACE_ANY, type: NvsType.any })) {
      items.push({ ...found, page });
    }
  }
  return items;
}

function entriesOf(items: readonly FoundItem[], namespaces: NvsPartition["namespaces"]): readonly NvsPartitionEntry[] {
  const lookup = new NvsLookup(items);
  const names = new Map([...namespaces].reverse().map(({ index, name }) => [index, name]));
  const entries: NvsPartitionEntry[] = [];
  for (const item of items) {
    const { entry, page, index } = item;
    const type = nvsValueType(entry.type);
    if (entry.namespaceIndex === NAMESPACE_TABLE || type === undefined || !isFound(lookup, item)) continue;
    const namespace = names.get(entry.namespaceIndex);
    const value = readValue(lookup, item);
    entries.push({ namespace, key: keyText(entry), type, value, offset: page.flash.offsetOf(index) });
  }
  return entries;
}

/**
 * Returns `true` if a look-up would find this item, not one in an older page or a blob of version 2 with the same key.
 */
function isFound(lookup: NvsLookup, item: FoundItem): boolean {
  const { entry } = item;
  if (entry.type === NvsType.blob && lookup.get({ ...entry, type: NvsType.blobIndex }) !== undefined) return false;
  return lookup.finds(item);
}

function readValue(lookup: NvsLookup, item: FoundItem): NvsPartitionEntry["value"] {
  const { type, data } = item.entry;
  if (type === NvsType.blobIndex) return lookup.readBlob(item.entry);
  if (type !== NvsType.blob && type !== NvsType.string) return readNvsNumber(type, data);
  const payload = readNvsPayload(item.page, item);
  if (typeof payload === "number") return undefined;
  return type === NvsType.blob ? payload : readNvsText(payload);
}

function problemsOfEntries(entries: readonly NvsPartitionEntry[]): readonly NvsProblem[] {
  const problems: NvsProblem[] = [];
  for (const { key, type, value, namespace, offset } of entries) {
    const name = `${namespace ?? "?"}:${key}`;
    if (value === undefined) {
      problems.push({ code: "nvs/damaged", message: `the ${type} ${name} is damaged: its CRC is wrong`, offset });
    } else if (namespace === undefined) {
      problems.push({ code: "nvs/damaged", message: `${name} is in a namespace that has no name`, offset });
    }
  }
  return problems;
}

function versionOf(pages: readonly NvsPage[]): 1 | 2 | undefined {
  const newest = pages.at(-1);
  if (newest === undefined) return undefined;
  return newest.version === NVS_VERSION ? 2 : 1;
}

function ofPage(kind: RecoveryText["kind"], message: string): RecoveryText {
  return { kind, message, isOfPage: true };
}

function describe(entry: NvsEntry): string {
  const chunk = entry.chunkIndex === NVS_CHUNK_ANY ? "" : ` (chunk ${entry.chunkIndex})`;
  return `the item ${keyText(entry)}${chunk}`;
}

function keyText(entry: NvsEntry): string {
  const { bytes } = nvsKeyFromBytes(entry.key);
  return readNvsText(bytes);
}
