import type { OtaErrorCode } from "../errors.ts";
import { dropIncompleteBlobs, readBlobChunks, readPayload } from "./nvs-blob-reader.ts";
import { NVS_CHUNK_ANY, type NvsEntry, NvsType } from "./nvs-entry.ts";
import { nvsKeyFromBytes } from "./nvs-key.ts";
import { type NvsItemInPage, NvsLookup } from "./nvs-lookup.ts";
import { NVS_PAGE_SIZE, NVS_VERSION, type NvsPageState } from "./nvs-page-header.ts";
import { type NvsEntryCounts, type NvsPageItem, type NvsPageReader, nvsPagesOf } from "./nvs-page-reader.ts";
import { type NvsValueType, nvsValueType, readNvsNumber, readNvsText } from "./nvs-value.ts";

/** One value of a partition. */
export interface NvsPartitionEntry {
  /** Its namespace, or `undefined` where the partition has no name for it: then no application can read it. */
  readonly namespace: string | undefined;
  readonly key: string;
  readonly type: NvsValueType;
  /** `bigint` for 64 bits, text up to its first NUL for strings, bytes for blobs; `undefined` where it is damaged. */
  readonly value: number | bigint | string | Uint8Array | undefined;
  /** Where its first entry stands, in bytes from the start of the partition. */
  readonly offset: number;
}

/** One page of a partition. */
export interface NvsPartitionPage extends NvsEntryCounts {
  readonly offset: number;
  readonly state: NvsPageState;
  /** `undefined` for pages that have none: blank and corrupt ones. */
  readonly sequence: number | undefined;
}

/** Something that isn't as a finished write of NVS leaves it. */
export interface NvsProblem {
  /** `nvs/interrupted` is what a power cut leaves: NVS sets it right when it starts, and nothing is lost. */
  readonly code: Extract<OtaErrorCode, `nvs/${string}`>;
  readonly message: string;
  /** Bytes from the start of the partition. */
  readonly offset: number;
}

/** What an NVS partition holds. */
export interface NvsPartition {
  /** Format version: 1, or 2 where blobs may span pages; `undefined` where no page is in use. */
  readonly version: 1 | 2 | undefined;
  readonly namespaces: readonly { readonly name: string; readonly index: number }[];
  /** In the order of their pages, oldest first. */
  readonly entries: readonly NvsPartitionEntry[];
  /** In the order of flash. */
  readonly pages: readonly NvsPartitionPage[];
  readonly problems: readonly NvsProblem[];
}

/** Below this size Espressif's generator uses every page, and the partition is read-only. */
const WRITABLE_SIZE_MIN: number = 3 * NVS_PAGE_SIZE;

const NAMESPACE_TABLE = 0;

/** A page with its place in flash. */
interface PlacedPage {
  readonly page: NvsPageReader;
  readonly offset: number;
}

/**
 * Reads an NVS partition: the values that an application would find after `nvs_flash_init` (ESP-IDF `PageManager::load`,
 * `Storage::init`), what a power cut left, and what is damaged. Nothing is written, and any bytes give a result.
 *
 * @param bytes - The partition; a last part that is no whole page of 4096 bytes is not read. Blobs of one chunk share
 *   no memory with them.
 */
export function readNvsPartition(bytes: Uint8Array): NvsPartition {
  const placed = nvsPagesOf(bytes).map((page, index) => ({ page, offset: index * NVS_PAGE_SIZE }));
  const problems: NvsProblem[] = [];
  const order = orderPages(placed, bytes.length, problems);
  const pages = order.map(({ page }) => page);
  const offsets = new Map(order.map(({ page, offset }) => [page, offset]));
  const offsetOf = ({ page, item }: NvsItemInPage) => (offsets.get(page) ?? 0) + 64 + 32 * item.entryIndex;
  for (const place of dropIncompleteBlobs(pages)) {
    const message = `${describe(place.item.entry)} belongs to a blob that is not complete: it doesn't count`;
    problems.push({ code: "nvs/interrupted", message, offset: offsetOf(place) });
  }
  const namespaces = namespacesOf(pages);
  const entries = entriesOf(pages, namespaces, offsetOf);
  for (const { key, type, value, namespace, offset } of entries) {
    const name = `${namespace ?? "?"}:${key}`;
    if (value === undefined) {
      problems.push({ code: "nvs/damaged", message: `the ${type} ${name} is damaged: its CRC is wrong`, offset });
    } else if (namespace === undefined) {
      problems.push({ code: "nvs/damaged", message: `${name} is in a namespace that has no name`, offset });
    }
  }
  return {
    version: versionOf(pages),
    namespaces,
    entries,
    pages: placed.map(({ page, offset }) => ({
      offset,
      state: page.state,
      sequence: isInUse(page) ? page.sequence : undefined,
      ...page.counts,
    })),
    problems: [...pageProblems(placed), ...problems].sort((left, right) => left.offset - right.offset),
  };
}

/** Pages in use, oldest first, with what an interrupted write or move left undone made good. */
function orderPages(placed: readonly PlacedPage[], sizeBytes: number, problems: NvsProblem[]): PlacedPage[] {
  const order = placed
    .filter(({ page }) => isInUse(page))
    .sort((left, right) => left.page.sequence - right.page.sequence);
  let freeCount = placed.length - order.length;
  const newest = order.at(-1);
  if (newest !== undefined) dropOldCopyOfLastItem(newest, order, problems);

  const freeing = order.find(({ page }) => page.state === "freeing");
  if (freeing !== undefined) {
    const message = "the page's items were being moved to another page: they will be moved again";
    problems.push({ code: "nvs/interrupted", message, offset: freeing.offset });
    // It has all its items still, so the copies in the newest page are worth nothing.
    if (newest?.page.state === "active") {
      order.pop();
      freeCount++;
    }
    order.splice(order.indexOf(freeing), 1);
    order.push(freeing);
  }
  if (freeCount === 0 && sizeBytes >= WRITABLE_SIZE_MIN) {
    const message = "no page is free, so nvs_flash_init fails with ESP_ERR_NVS_NO_FREE_PAGES (0x110d)";
    problems.push({ code: "nvs/no-free-page", message, offset: 0 });
  }
  return order;
}

/** An item is written before the one it replaces is erased. Only the newest page's last item can have been cut there. */
function dropOldCopyOfLastItem(newest: PlacedPage, order: readonly PlacedPage[], problems: NvsProblem[]): void {
  const last = newest.page.items.at(-1)?.entry;
  if (last === undefined) return;
  const older = order.filter((place) => place !== newest && place.page.state !== "freeing");
  // A blob of format version 1 has no index that the new one could replace.
  const types = last.type === NvsType.blobIndex ? [NvsType.blobIndex, NvsType.blob] : [last.type];
  for (const type of types) {
    for (const { page, offset } of older) {
      const copy = page.find({ ...last, type });
      if (copy === undefined) continue;
      page.drop(copy);
      const message = `${describe(last)} was written again before its old value was erased`;
      problems.push({ code: "nvs/interrupted", message, offset: offset + 64 + 32 * copy.entryIndex });
      return;
    }
  }
}

function namespacesOf(pages: readonly NvsPageReader[]): { name: string; index: number }[] {
  const namespaces: { name: string; index: number }[] = [];
  for (const page of pages) {
    for (const { entry } of page.items) {
      if (entry.namespaceIndex !== NAMESPACE_TABLE || entry.type !== NvsType.u8) continue;
      namespaces.push({ name: keyText(entry), index: entry.data[0] ?? 0 });
    }
  }
  return namespaces;
}

function entriesOf(
  pages: readonly NvsPageReader[],
  namespaces: NvsPartition["namespaces"],
  offsetOf: (place: NvsItemInPage) => number,
): NvsPartitionEntry[] {
  const lookup = new NvsLookup(pages);
  const names = new Map([...namespaces].reverse().map(({ index, name }) => [index, name]));
  const entries: NvsPartitionEntry[] = [];
  for (const page of pages) {
    for (const item of page.items) {
      const { entry } = item;
      const type = nvsValueType(entry.type);
      if (entry.namespaceIndex === NAMESPACE_TABLE || type === undefined || !isFound(lookup, item)) continue;
      const namespace = names.get(entry.namespaceIndex);
      const value = readValue(lookup, { page, item });
      entries.push({ namespace, key: keyText(entry), type, value, offset: offsetOf({ page, item }) });
    }
  }
  return entries;
}

/** Whether a look-up would find this item: an older page may have another one, or the key a blob of version 2. */
function isFound(lookup: NvsLookup, item: NvsPageItem): boolean {
  const { entry } = item;
  if (entry.type === NvsType.blob && lookup.get({ ...entry, type: NvsType.blobIndex }) !== undefined) return false;
  return lookup.finds(item);
}

function readValue(lookup: NvsLookup, place: NvsItemInPage): NvsPartitionEntry["value"] {
  const { type, data } = place.item.entry;
  if (type === NvsType.blobIndex) return readBlobChunks(lookup, place.item.entry);
  if (type === NvsType.blob) return readPayload(place)?.slice();
  if (type !== NvsType.string) return readNvsNumber(type, data);
  const payload = readPayload(place);
  return payload === undefined ? undefined : readNvsText(payload);
}

/** What is wrong in each page; of a partition that is encrypted, that alone. */
function pageProblems(placed: readonly PlacedPage[]): NvsProblem[] {
  const inconsistentCount = placed.reduce((count, { page }) => count + page.inconsistentCount, 0);
  const isEncrypted = inconsistentCount > 0 && placed.every(({ page }) => page.items.length === 0);
  const problems: NvsProblem[] = placed.flatMap(({ page, offset }) =>
    page.faults
      .filter(({ kind }) => !isEncrypted || kind === "newer-version")
      .map((fault) => ({ code: `nvs/${fault.kind}` as const, message: fault.message, offset: offset + fault.offset })),
  );
  if (isEncrypted) {
    const message = `none of ${inconsistentCount} entries has a right CRC: the partition is encrypted, or destroyed`;
    problems.push({ code: "nvs/encrypted", message, offset: 0 });
  }
  return problems;
}

function versionOf(pages: readonly NvsPageReader[]): 1 | 2 | undefined {
  const newest = pages.at(-1);
  if (newest === undefined) return undefined;
  return newest.version === NVS_VERSION ? 2 : 1;
}

function isInUse(page: NvsPageReader): boolean {
  return page.state !== "corrupt" && page.state !== "uninitialized";
}

function describe(entry: NvsEntry): string {
  const chunk = entry.chunkIndex === NVS_CHUNK_ANY ? "" : ` (chunk ${entry.chunkIndex})`;
  return `the item ${keyText(entry)}${chunk}`;
}

function keyText(entry: NvsEntry): string {
  const { bytes } = nvsKeyFromBytes(entry.key);
  return readNvsText(bytes);
}
