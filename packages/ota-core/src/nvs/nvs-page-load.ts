import { isNvsVariableType, NVS_ENTRY_COUNT, NVS_ENTRY_SIZE, type NvsEntry, parseNvsEntry } from "./nvs-entry.ts";
import { NVS_ENTRY_STATES_SIZE, NvsEntryState } from "./nvs-entry-states.ts";
import { NvsErr } from "./nvs-err.ts";
import type { FoundEntry } from "./nvs-item.ts";
import { hashNvsEntry, nvsKeyFromBytes } from "./nvs-key.ts";
import type { NvsObserver, NvsRecovery } from "./nvs-observer.ts";
import { NvsPage, type NvsPageContext } from "./nvs-page.ts";
import { NVS_PAGE_HEADER_SIZE, NVS_VERSION, type NvsPageHeader, parseNvsPageHeader } from "./nvs-page-header.ts";

/** State that the pages of a partition share while it is opened. */
export interface NvsLoadContext extends NvsPageContext {
  readonly observer?: NvsObserver | undefined;
}

/**
 * Reads a page and repairs what a power cut left in it (ESP-IDF `Page::load`, `Page::mLoadEntryTable`).
 *
 * ESP-IDF loses values in three cases, and so does this function:
 *
 * - A partially written entry whose first four bytes are blank counts as free. The next entry is written over it and is
 *   corrupted, so the first value after the restart is lost. Flash that programs the bytes of an entry in order never
 *   leaves such an entry.
 * - If the update of a blob stops between its last chunk and its index, and the old chunk is in the same page, the old
 *   value is lost too: the last check below treats the old chunk as an earlier copy of the new one. This applies to
 *   every release since 4.4.8, 5.0.7, 5.1.4, 5.2.2 and 5.3, and not to numbers and strings.
 * - Of two keys in the active page with the same 24-bit hash, the earlier one is erased.
 *
 * @param offset - Offset of the page in the partition, in bytes.
 * @returns The page, `corrupt` if its content is ignored; NEW_VERSION_FOUND for a page of a newer format; ESP_FAIL if
 *   an item leads out of the page.
 */
export function loadNvsPage(context: NvsLoadContext, offset: number): { readonly err: number; readonly page: NvsPage } {
  const page = new NvsPage(context, offset);
  const bytes = page.flash.takeSnapshot();
  const header = parseNvsPageHeader(bytes);
  const fault = faultOfHeader(header, bytes);
  if (fault !== undefined) {
    page.adoptState("corrupt");
    context.observer?.onPage(page);
    context.observer?.onRecovery(fault, offset + (HEADER_FAULT_OFFSETS[fault] ?? 0));
    return { err: fault === "page-newer-version" ? NvsErr.ESP_ERR_NVS_NEW_VERSION_FOUND : NvsErr.ESP_OK, page };
  }
  page.adoptState(header.state);
  if (header.state === "uninitialized") {
    context.observer?.onPage(page);
    return { err: NvsErr.ESP_OK, page };
  }
  page.sequence = header.sequence;
  page.version = header.version;
  page.flash.states.load(bytes.subarray(NVS_PAGE_HEADER_SIZE, NVS_PAGE_HEADER_SIZE + NVS_ENTRY_STATES_SIZE));
  context.observer?.onPage(page);
  page.countEntries();
  const loading = new PageRecovery(context, page);
  return { err: header.state === "active" ? loading.recoverActive() : loading.recoverClosed(), page };
}

/** Offset in the header of the byte that shows the fault. */
const HEADER_FAULT_OFFSETS: { readonly [Fault in NvsRecovery]?: number } = {
  "page-header-crc": 28,
  "page-newer-version": 8,
};

function faultOfHeader(header: NvsPageHeader, bytes: Uint8Array): NvsRecovery | undefined {
  if (header.state === "uninitialized") return isFilledWith(bytes, 0xff) ? undefined : "page-half-erased";
  if (!header.crcMatches) return isFilledWith(bytes, 0) ? "page-zeroed" : "page-header-crc";
  if (header.version < NVS_VERSION) return "page-newer-version";
  return header.state === "corrupt" ? "page-state-unknown" : undefined;
}

/** Recovery of a page that is in use. */
class PageRecovery {
  readonly #page: NvsPage;
  readonly #context: NvsLoadContext;

  constructor(context: NvsLoadContext, page: NvsPage) {
    this.#context = context;
    this.#page = page;
  }

  recoverActive(): number {
    const { flash } = this.#page;
    this.#page.nextFreeIndex = flash.states.firstIndexOf(NvsEntryState.empty);
    // The first word shows whether an entry was written without its state.
    for (let next = this.#page.nextFreeIndex; next < NVS_ENTRY_COUNT && !isFirstWordBlank(flash.read(next)); next++) {
      this.#report("entry-without-state", next);
      this.#page.discardEntry(next);
      this.#page.nextFreeIndex = next + 1;
    }
    const last = this.#indexActiveItems(this.#page.nextFreeIndex);
    if (typeof last === "number") return last;
    return last === undefined ? NvsErr.ESP_OK : this.#eraseEarlierCopy(last.index, last.entry);
  }

  /** Loads a full or freeing page. Erases damaged and incomplete items; duplicates are impossible here. */
  recoverClosed(): number {
    const page = this.#page;
    let span = 1;
    for (let index = page.firstUsedIndex; index < NVS_ENTRY_COUNT; index += span) {
      span = 1;
      if (page.flash.states.get(index) !== NvsEntryState.written) continue;
      const bytes = page.flash.read(index);
      if (!page.isWhole(bytes, index)) {
        this.#erase("entry-damaged", index);
        continue;
      }
      const [, type = 0, entrySpan = 0] = bytes;
      if (entrySpan === 0) return NvsErr.ESP_FAIL;
      page.index.set(index, hashNvsEntry(bytes));
      span = entrySpan;
      if (!isNvsVariableType(type)) continue;
      const isWritten = this.#isWritten(index, span);
      if (isWritten === undefined) return NvsErr.ESP_FAIL;
      if (!isWritten) this.#erase("item-half-erased", index);
    }
    return NvsErr.ESP_OK;
  }

  /**
   * Erases incomplete and duplicate items and indexes the rest.
   *
   * @returns The last item unless it was incomplete, or an error.
   */
  #indexActiveItems(end: number): { index: number; entry: NvsEntry } | number | undefined {
    const page = this.#page;
    let lastIndex: number | undefined;
    // A copy, because the page may change before it is read.
    const last = new Uint8Array(NVS_ENTRY_SIZE);
    let span = 1;
    for (let index = 0; index < end; index += span) {
      span = 1;
      const state = page.flash.states.get(index);
      if (state !== NvsEntryState.written) {
        lastIndex = undefined;
        if (state === NvsEntryState.illegal) this.#erase("entry-state-illegal", index);
        continue;
      }
      const bytes = page.flash.read(index);
      last.set(bytes);
      lastIndex = index;
      if (!page.isWhole(bytes, index)) {
        this.#erase("entry-damaged", index);
        continue;
      }
      const hash = hashNvsEntry(bytes);
      page.index.set(index, hash);
      const copyIndex = page.index.find(hash, 0);
      const [, type = 0, entrySpan = 0] = bytes;
      if (isNvsVariableType(type)) span = entrySpan;
      if (span === 0) this.#context.abort("Page::mLoadEntryTable", "loops at an entry of span 0");
      const isWritten = this.#isWritten(index, span);
      if (isWritten === undefined) return NvsErr.ESP_FAIL;
      if (!isWritten) {
        lastIndex = undefined;
        this.#erase("item-half-written", index);
      } else if (copyIndex < index) {
        this.#erase("item-twice", copyIndex);
      }
    }
    return lastIndex === undefined ? undefined : { index: lastIndex, entry: parseNvsEntry(last) };
  }

  /**
   * Intended for a last item that was written before its predecessor was erased. For a chunk it finds any other chunk.
   */
  #eraseEarlierCopy(lastIndex: number, last: NvsEntry): number {
    const key = nvsKeyFromBytes(last.key);
    const copy: FoundEntry | number = this.#page.find({ namespaceIndex: last.namespaceIndex, type: last.type, key });
    if (typeof copy === "number" || copy.index >= lastIndex) return NvsErr.ESP_OK;
    return this.#erase("item-twice", copy.index);
  }

  /** Returns `true` if all entries of an item are written; `undefined` if they reach beyond the page. */
  #isWritten(index: number, span: number): boolean | undefined {
    for (let part = index; part < index + span; part++) {
      if (part >= NVS_ENTRY_COUNT) return undefined;
      if (this.#page.flash.states.get(part) !== NvsEntryState.written) return false;
    }
    return true;
  }

  #erase(recovery: NvsRecovery, index: number): number {
    this.#report(recovery, index);
    return this.#page.discardItemAt(index);
  }

  #report(recovery: NvsRecovery, index: number): void {
    this.#context.observer?.onRecovery(recovery, this.#page.flash.offsetOf(index));
  }
}

function isFirstWordBlank(entry: Uint8Array): boolean {
  return entry[0] === 0xff && entry[1] === 0xff && entry[2] === 0xff && entry[3] === 0xff;
}

/** Uses a plain loop for speed: every start of a device checks each blank page. */
function isFilledWith(bytes: Uint8Array, value: number): boolean {
  for (let index = 0; index < bytes.length; index++) if (bytes[index] !== value) return false;
  return true;
}
