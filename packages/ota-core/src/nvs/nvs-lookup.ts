import type { NvsEntry } from "./nvs-entry.ts";
import { nvsItemName } from "./nvs-key.ts";
import type { NvsPageItem, NvsPageReader } from "./nvs-page-reader.ts";

/** An item, and the page it is in. */
export interface NvsItemInPage {
  readonly page: NvsPageReader;
  readonly item: NvsPageItem;
}

/**
 * Finds items over all pages as NVS does: the oldest page first, and in each the first item of a namespace, key and
 * chunk, if it has the type (`PageManager` and `Page::findItem`). Made once, so that reading takes linear time.
 */
export class NvsLookup {
  readonly #places: Map<string, NvsItemInPage> = new Map();
  readonly #items: Set<NvsPageItem> = new Set();

  /** @param pages - Oldest first, with what doesn't count dropped. */
  constructor(pages: readonly NvsPageReader[]) {
    for (const page of pages) {
      const seen = new Set<string>();
      for (const item of page.items) {
        const { chunkIndex, type } = item.entry;
        const name = `${nvsItemName(item.entry)}/${chunkIndex}`;
        if (seen.has(name)) continue;
        seen.add(name);
        const id = `${name}/${type}`;
        if (this.#places.has(id)) continue;
        this.#places.set(id, { page, item });
        this.#items.add(item);
      }
    }
  }

  /** Whether a look-up finds this very item, and none before it. */
  finds(item: NvsPageItem): boolean {
    return this.#items.has(item);
  }

  get(wanted: Pick<NvsEntry, "namespaceIndex" | "key" | "chunkIndex" | "type">): NvsItemInPage | undefined {
    return this.#places.get(`${nvsItemName(wanted)}/${wanted.chunkIndex}/${wanted.type}`);
  }
}
