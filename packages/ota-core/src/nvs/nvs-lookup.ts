import type { NvsEntry } from "./nvs-entry.ts";
import { NVS_KEY_LENGTH_MAX } from "./nvs-key.ts";
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

/** A character for each byte. */
const CHARACTERS: readonly string[] = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

/** Namespace and key of an item as one text: equal for two items exactly if a look-up takes them for the same key. */
export function nvsItemName({ namespaceIndex, key }: Pick<NvsEntry, "namespaceIndex" | "key">): string {
  let name = `${namespaceIndex}:`;
  for (let index = 0; index < NVS_KEY_LENGTH_MAX; index++) {
    const byte = key[index] ?? 0;
    if (byte === 0) break;
    name += CHARACTERS[byte];
  }
  return name;
}
