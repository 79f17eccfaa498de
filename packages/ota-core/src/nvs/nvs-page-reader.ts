import {
  isConsistentNvsEntry,
  isNvsVariableType,
  NVS_ENTRY_COUNT,
  NVS_ENTRY_SIZE,
  type NvsEntry,
  NvsType,
  parseNvsEntry,
} from "./nvs-entry.ts";
import { NVS_ENTRY_STATES_SIZE, NvsEntryState, NvsEntryStates } from "./nvs-entry-states.ts";
import { hashNvsKey, hasNvsKey, nvsKeyFromBytes } from "./nvs-key.ts";
import {
  NVS_PAGE_HEADER_SIZE,
  NVS_PAGE_SIZE,
  NVS_VERSION,
  type NvsPageState,
  parseNvsPageHeader,
} from "./nvs-page-header.ts";

const ENTRIES_OFFSET: number = NVS_PAGE_HEADER_SIZE + NVS_ENTRY_STATES_SIZE;

/** An item of a page that counts. */
export interface NvsPageItem {
  /** Index of its first entry in the page, 0 to 125. */
  readonly entryIndex: number;
  readonly entry: NvsEntry;
}

/** Something in a page that NVS would erase when it starts. */
export interface NvsPageFault {
  /** `interrupted`: what a power cut leaves, and no loss. `damaged`: content that no write of NVS's own leaves. */
  readonly kind: "interrupted" | "damaged" | "newer-version";
  readonly message: string;
  /** Bytes from the start of the page. */
  readonly offset: number;
}

/** How many of a page's 126 entries are in which state, as flash says. */
export interface NvsEntryCounts {
  readonly used: number;
  readonly erased: number;
  readonly free: number;
}

/**
 * One page as `nvs_flash_init` would leave it, read without writing (ESP-IDF `Page::load`, `Page::mLoadEntryTable`).
 */
export class NvsPageReader {
  /** `corrupt`: nothing in it counts, and it is erased before its next use. */
  readonly state: NvsPageState;
  readonly sequence: number;
  /** Format version byte of the header: 0xFE for version 2, 0xFF for version 1. */
  readonly version: number;
  readonly counts: NvsEntryCounts;
  readonly faults: NvsPageFault[] = [];
  /** How many entries are marked written and no entry: all of them, in an encrypted partition. */
  inconsistentCount = 0;
  readonly #bytes: Uint8Array;
  readonly #states: NvsEntryStates = new NvsEntryStates();
  #items: NvsPageItem[] = [];

  /** @param bytes - The page, 4096 bytes; kept, and never changed. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    const header = parseNvsPageHeader(bytes);
    this.sequence = header.sequence;
    this.version = header.version;
    this.state = this.#judgeState(header);
    if (this.state === "active" || this.state === "full" || this.state === "freeing") {
      this.#states.load(bytes.subarray(NVS_PAGE_HEADER_SIZE, ENTRIES_OFFSET));
    }
    this.counts = {
      used: this.#states.count(NvsEntryState.written),
      erased: this.#states.count(NvsEntryState.erased) + this.#states.count(NvsEntryState.illegal),
      free: this.#states.count(NvsEntryState.empty),
    };
    if (this.state === "active") this.#recoverActive();
    else if (this.state === "full" || this.state === "freeing") this.#recoverClosed();
  }

  /** Items that count, in the order in which they were written. */
  get items(): readonly NvsPageItem[] {
    return this.#items;
  }

  /** The bytes of a payload, which the entries behind an item's first hold. Shares memory with the page. */
  payload(item: NvsPageItem, sizeBytes: number): Uint8Array {
    const offset = entryOffset(item.entryIndex + 1);
    return this.#bytes.subarray(offset, offset + sizeBytes);
  }

  /**
   * The item that a look-up finds: the first of that namespace, key and chunk, if it has the type (`Page::findItem`).
   */
  find(wanted: Pick<NvsEntry, "namespaceIndex" | "key" | "chunkIndex" | "type">): NvsPageItem | undefined {
    const key = nvsKeyFromBytes(wanted.key);
    const found = this.#items.find(
      ({ entry }) =>
        entry.namespaceIndex === wanted.namespaceIndex &&
        entry.chunkIndex === wanted.chunkIndex &&
        hasNvsKey(entry.key, 0, key),
    );
    return found?.entry.type === wanted.type ? found : undefined;
  }

  /** Makes an item count no more. */
  drop(item: NvsPageItem): void {
    this.#items = this.#items.filter((other) => other !== item);
  }

  #judgeState(header: ReturnType<typeof parseNvsPageHeader>): NvsPageState {
    if (header.state === "uninitialized") {
      if (this.#bytes.every((byte) => byte === 0xff)) return "uninitialized";
      this.#fault("interrupted", "the page says that it is blank and is not: an erase was cut short", 0);
      return "corrupt";
    }
    if (this.#bytes.every((byte) => byte === 0)) {
      this.#fault("interrupted", "the page is all zeros: it was wiped, or an erase was cut short", 0);
      return "corrupt";
    }
    if (!header.crcMatches) {
      this.#fault("damaged", "the CRC of the page header is wrong: nothing in the page counts", 28);
      return "corrupt";
    }
    if (header.version < NVS_VERSION) {
      const version = `0x${header.version.toString(16)}`;
      this.#fault("newer-version", `the page has format ${version}, which is newer than 0xfe (version 2)`, 8);
      return "corrupt";
    }
    if (header.state === "corrupt")
      this.#fault("damaged", "the state word of the page is none: nothing in the page counts", 0);
    return header.state;
  }

  #recoverActive(): void {
    let end = this.#states.firstIndexOf(NvsEntryState.empty);
    // An entry may have been written without its state. Its first word shows it.
    for (; end < NVS_ENTRY_COUNT && !isFirstWordBlank(this.#entryBytes(end)); end++) {
      this.#eraseEntries("interrupted", "an entry was written, but its state wasn't: it doesn't count", end, 1);
    }
    const last = this.#indexActive(end);
    this.#listItems(end);
    if (last === undefined) return;
    const key = nvsKeyFromBytes(last.entry.key);
    const copy = this.#items.find(
      ({ entry }) =>
        entry.namespaceIndex === last.entry.namespaceIndex &&
        (entry.type === NvsType.blobData || entry.chunkIndex === last.entry.chunkIndex) &&
        entry.type === last.entry.type &&
        hasNvsKey(entry.key, 0, key),
    );
    if (copy === undefined || copy.entryIndex >= last.entryIndex) return;
    this.#fault(
      "interrupted",
      "an item was written again before its old value was erased",
      entryOffset(copy.entryIndex),
    );
    this.drop(copy);
  }

  /** Erases what is incomplete or double, and gives the last item unless it was incomplete. */
  #indexActive(end: number): NvsPageItem | undefined {
    const indexOfHash = new Map<number, number>();
    let last: NvsPageItem | undefined;
    let span = 1;
    for (let index = 0; index < end; index += span) {
      span = 1;
      const state = this.#states.get(index);
      if (state !== NvsEntryState.written) {
        last = undefined;
        if (state === NvsEntryState.illegal) this.#eraseEntries("damaged", "the state of an entry is none", index, 1);
        continue;
      }
      const entry = parseNvsEntry(this.#entryBytes(index));
      last = { entryIndex: index, entry };
      if (!this.#isConsistent(index)) continue;
      if (isNvsVariableType(entry.type)) span = entry.span;
      if (!this.#isWritten(index, span)) {
        last = undefined;
        this.#eraseEntries("interrupted", "an item was not written to its end: it doesn't count", index, span);
        continue;
      }
      const hash = hashNvsKey(entry.namespaceIndex, entry.key, entry.chunkIndex);
      const copyIndex = indexOfHash.get(hash);
      indexOfHash.set(hash, index);
      if (copyIndex === undefined) continue;
      const copySpan = parseNvsEntry(this.#entryBytes(copyIndex)).span;
      this.#eraseEntries(
        "interrupted",
        "an item was written again before its old value was erased",
        copyIndex,
        copySpan,
      );
    }
    return last;
  }

  /** Full and freeing pages: damaged and incomplete items don't count, double ones can't be here. */
  #recoverClosed(): void {
    let span = 1;
    for (let index = 0; index < NVS_ENTRY_COUNT; index += span) {
      span = 1;
      if (this.#states.get(index) !== NvsEntryState.written || !this.#isConsistent(index)) continue;
      span = parseNvsEntry(this.#entryBytes(index)).span;
      if (!this.#isWritten(index, span)) {
        this.#eraseEntries("interrupted", "an item was not erased to its end: it doesn't count", index, span);
      }
    }
    this.#listItems(NVS_ENTRY_COUNT);
  }

  #listItems(end: number): void {
    let span = 1;
    for (let index = 0; index < end; index += span) {
      span = 1;
      if (this.#states.get(index) !== NvsEntryState.written) continue;
      const entry = parseNvsEntry(this.#entryBytes(index));
      this.#items.push({ entryIndex: index, entry });
      span = entry.span;
    }
  }

  /** Judges an entry that is marked written; one that isn't whole doesn't count from here on. */
  #isConsistent(index: number): boolean {
    if (isConsistentNvsEntry(this.#entryBytes(index), index)) return true;
    this.inconsistentCount++;
    this.#eraseEntries("damaged", "an entry is damaged: its CRC or its fields are wrong", index, 1);
    return false;
  }

  #isWritten(index: number, span: number): boolean {
    for (let part = index; part < index + span; part++) {
      if (this.#states.get(part) !== NvsEntryState.written) return false;
    }
    return true;
  }

  #eraseEntries(kind: NvsPageFault["kind"], message: string, index: number, span: number): void {
    for (let part = index; part < index + span; part++) this.#states.set(part, NvsEntryState.erased);
    this.#fault(kind, message, entryOffset(index));
  }

  #fault(kind: NvsPageFault["kind"], message: string, offset: number): void {
    this.faults.push({ kind, message, offset });
  }

  #entryBytes(index: number): Uint8Array {
    const offset = entryOffset(index);
    return this.#bytes.subarray(offset, offset + NVS_ENTRY_SIZE);
  }
}

/** The pages of a partition; a last part that is no whole page is not read. */
export function nvsPagesOf(partition: Uint8Array): NvsPageReader[] {
  const count = Math.floor(partition.length / NVS_PAGE_SIZE);
  return Array.from(
    { length: count },
    (_, index) => new NvsPageReader(partition.subarray(index * NVS_PAGE_SIZE, (index + 1) * NVS_PAGE_SIZE)),
  );
}

function entryOffset(index: number): number {
  return ENTRIES_OFFSET + index * NVS_ENTRY_SIZE;
}

function isFirstWordBlank(entry: Uint8Array): boolean {
  return entry[0] === 0xff && entry[1] === 0xff && entry[2] === 0xff && entry[3] === 0xff;
}
