import { concatBytes } from "../bytes.ts";
import { type NvsEntry, NvsType, parseNvsBlobIndex } from "./nvs-entry.ts";
import { nvsItemName } from "./nvs-key.ts";
import type { FoundItem } from "./nvs-page-manager.ts";
import { readNvsPayload } from "./nvs-payload.ts";

/**
 * Finds items in all pages as NVS does: searches the oldest page first, and in each page finds the first item of a
 * namespace, key and chunk, if its type matches (`PageManager` and `Page::findItem`). Uses an index, so that reading
 * takes linear time.
 */
export class NvsLookup {
  readonly #items: Map<string, FoundItem> = new Map();
  readonly #found: Set<FoundItem> = new Set();

  /** @param items - Items in the order of their pages, oldest first. */
  constructor(items: readonly FoundItem[]) {
    let seen = new Set<string>();
    let page: FoundItem["page"] | undefined;
    for (const item of items) {
      if (item.page !== page) seen = new Set();
      page = item.page;
      const { chunkIndex, type } = item.entry;
      const name = `${nvsItemName(item.entry)}/${chunkIndex}`;
      if (seen.has(name)) continue;
      seen.add(name);
      const id = `${name}/${type}`;
      if (this.#items.has(id)) continue;
      this.#items.set(id, item);
      this.#found.add(item);
    }
  }

  /** Returns `true` if a look-up finds exactly this item. */
  finds(item: FoundItem): boolean {
    return this.#found.has(item);
  }

  get(wanted: Pick<NvsEntry, "namespaceIndex" | "key" | "chunkIndex" | "type">): FoundItem | undefined {
    return this.#items.get(`${nvsItemName(wanted)}/${wanted.chunkIndex}/${wanted.type}`);
  }

  /**
   * Reads a blob of format version 2 (ESP-IDF `Storage::readMultiPageBlob`).
   *
   * @param index - The blob's index entry.
   * @returns `undefined` if a chunk is missing, too long or damaged.
   */
  readBlob(index: NvsEntry): Uint8Array | undefined {
    const { sizeBytes, chunkCount, chunkStart } = parseNvsBlobIndex(index.data);
    if (chunkStart + chunkCount > 0x100) return undefined;
    const parts: Uint8Array[] = [];
    let offset = 0;
    for (let chunk = 0; chunk < chunkCount; chunk++) {
      const found = this.get({ ...index, type: NvsType.blobData, chunkIndex: chunkStart + chunk });
      const part = found === undefined ? undefined : readNvsPayload(found.page, found);
      if (part === undefined || typeof part === "number" || part.length > sizeBytes - offset) return undefined;
      parts.push(part);
      offset += part.length;
    }
    return offset === sizeBytes ? concatBytes(parts) : undefined;
  }
}
