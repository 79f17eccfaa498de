import {
  hashNvsKey,
  isConsistentNvsEntry,
  isNvsVariableType,
  NVS_ENTRY_COUNT,
  NVS_ENTRY_STATES_SIZE,
  NVS_PAGE_HEADER_SIZE,
  NVS_VERSION,
  type NvsEntry,
  NvsEntryState,
  nvsKeyFromBytes,
  parseNvsEntry,
  parseNvsPageHeader,
} from "@tinybms/ota-core";
import { ESP_ERR_NVS_NEW_VERSION_FOUND, ESP_OK } from "./nvs-error.ts";
import { NvsPage } from "./nvs-page.ts";
import type { NvsStorage } from "./nvs-storage.ts";

const PURGE = { purge: true } as const;

/**
 * Reads a page and sets right what a power cut left in it (ESP-IDF `Page::load`, `Page::mLoadEntryTable`).
 *
 * Three losses are ESP-IDF's own and happen here too (6.2-dev, checked against its compiled sources):
 *
 * - An entry that was torn so that its first four bytes stayed blank isn't recognised. It counts as free, the next
 *   entry is written into it, and that one is damaged: the first value written after the restart is lost. Flash that
 *   programs the bytes of an entry in order never leaves such an entry.
 * - A blob's update that stops between its last chunk and its index loses the old value too, where the old chunk
 *   stands in the same page: the last check below takes the old chunk for an earlier copy of the new one. So in every
 *   release since 4.4.8, 5.0.7, 5.1.4, 5.2.2 and 5.3. Numbers and strings are not concerned.
 * - Of two keys whose 24-bit hashes are equal the earlier is erased, when both stand in the active page.
 *
 * @param offset - Where the page begins in the partition, bytes.
 * @returns The page, `corrupt` if nothing in it counts; NEW_VERSION_FOUND for a page of a newer format.
 */
export function loadNvsPage(storage: NvsStorage, offset: number): { readonly err: number; readonly page: NvsPage } {
  const page = new NvsPage(storage, offset);
  const bytes = page.flash.takeSnapshot();
  const header = parseNvsPageHeader(bytes);
  if (header.state === "uninitialized") {
    page.adoptState(isBlank(bytes) ? "uninitialized" : "corrupt");
    return { err: ESP_OK, page };
  }
  if (!header.crcMatches) {
    page.adoptState("corrupt");
    return { err: ESP_OK, page };
  }
  if (header.version < NVS_VERSION) return { err: ESP_ERR_NVS_NEW_VERSION_FOUND, page };
  page.sequence = header.sequence;
  page.version = header.version;
  page.adoptState(header.state);
  if (header.state === "corrupt") return { err: ESP_OK, page };

  page.flash.states.load(bytes.subarray(NVS_PAGE_HEADER_SIZE, NVS_PAGE_HEADER_SIZE + NVS_ENTRY_STATES_SIZE));
  if (header.state === "active") recoverActivePage(page);
  else recoverClosedPage(page);
  return { err: ESP_OK, page };
}

function recoverActivePage(page: NvsPage): void {
  page.nextFreeIndex = page.flash.states.firstIndexOf(NvsEntryState.empty);
  // An entry may have been written without its state. Its first word shows it.
  while (page.nextFreeIndex < NVS_ENTRY_COUNT && !isFirstWordBlank(page.flash.read(page.nextFreeIndex))) {
    page.discardEntry(page.nextFreeIndex);
    page.nextFreeIndex++;
  }
  const last = indexActiveItems(page, page.nextFreeIndex);
  if (last !== undefined) eraseEarlierCopy(page, last.index, last.entry);
}

/** Erases what is incomplete or double, indexes the rest, and gives the last item unless it was incomplete. */
function indexActiveItems(page: NvsPage, end: number): { index: number; entry: NvsEntry } | undefined {
  let last: { index: number; entry: NvsEntry } | undefined;
  let span = 1;
  for (let index = 0; index < end; index += span) {
    span = 1;
    const state = page.flash.states.get(index);
    if (state !== NvsEntryState.written) {
      last = undefined;
      if (state === NvsEntryState.illegal) page.eraseItemAt(index, PURGE);
      continue;
    }
    const bytes = page.flash.read(index);
    // A copy: `last` is looked at when the page may have changed.
    const entry = parseNvsEntry(bytes.slice());
    last = { index, entry };
    if (!isConsistentNvsEntry(bytes, index)) {
      page.eraseItemAt(index, PURGE);
      continue;
    }
    const hash = hashNvsKey(entry.namespaceIndex, entry.key, entry.chunkIndex);
    page.setHash(index, hash);
    const copyIndex = page.firstIndexOfHash(hash, 0);
    if (isNvsVariableType(entry.type)) span = entry.span;
    if (!isWritten(page, index, span)) {
      last = undefined;
      page.eraseItemAt(index, PURGE);
      continue;
    }
    if (copyIndex < index) page.eraseItemAt(copyIndex, PURGE);
  }
  return last;
}

/** Meant for a last item that was written before its predecessor was erased; of a chunk it finds any other chunk. */
function eraseEarlierCopy(page: NvsPage, lastIndex: number, last: NvsEntry): void {
  const key = nvsKeyFromBytes(last.key);
  const copy = page.find({ namespaceIndex: last.namespaceIndex, type: last.type, key });
  if (copy !== undefined && copy.index < lastIndex) page.eraseItemAt(copy.index, PURGE);
}

/** Full and freeing pages: damaged and incomplete items are erased, double ones can't be here. */
function recoverClosedPage(page: NvsPage): void {
  let span = 1;
  for (let index = 0; index < NVS_ENTRY_COUNT; index += span) {
    span = 1;
    if (page.flash.states.get(index) !== NvsEntryState.written) continue;
    const bytes = page.flash.read(index);
    if (!isConsistentNvsEntry(bytes, index)) {
      page.eraseItemAt(index, PURGE);
      continue;
    }
    const entry = parseNvsEntry(bytes);
    page.setHash(index, hashNvsKey(entry.namespaceIndex, entry.key, entry.chunkIndex));
    span = entry.span;
    if (isNvsVariableType(entry.type) && !isWritten(page, index, span)) page.eraseItemAt(index, PURGE);
  }
}

function isWritten(page: NvsPage, index: number, span: number): boolean {
  for (let part = index; part < index + span; part++) {
    if (page.flash.states.get(part) !== NvsEntryState.written) return false;
  }
  return true;
}

function isFirstWordBlank(entry: Uint8Array): boolean {
  return entry[0] === 0xff && entry[1] === 0xff && entry[2] === 0xff && entry[3] === 0xff;
}

/** A plain loop: every start of a device looks at each blank page. */
function isBlank(bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) if (bytes[index] !== 0xff) return false;
  return true;
}
