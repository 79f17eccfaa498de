import type { NvsEntry } from "./nvs-entry.ts";
import type { NvsPage } from "./nvs-page.ts";

/** What NVS finds in a page when it opens a partition, and sets right. */
export type NvsRecovery =
  /** The state word says blank, and other bytes are not. */
  | "page-half-erased"
  | "page-zeroed"
  | "page-header-crc"
  | "page-newer-version"
  | "page-state-unknown"
  /** An entry was written and its state wasn't. */
  | "entry-without-state"
  | "entry-state-illegal"
  /** The CRC or a field is wrong. */
  | "entry-damaged"
  /** An item in the active page whose entries are not all marked as written. */
  | "item-half-written"
  /** An item in a page that takes no more whose entries are not all marked as written. */
  | "item-half-erased"
  /** The older copy of an item in the same page. */
  | "item-twice"
  /** The older copy of the newest page's last item, in an older page. */
  | "item-twice-in-older-page"
  /** A blob's index whose chunks don't add up, or a chunk without an index. */
  | "blob-incomplete"
  /** The items of a page were being moved. */
  | "page-freeing"
  | "no-free-page";

/** Learns what NVS finds while it opens a partition. Every call comes before NVS changes anything there. */
export interface NvsObserver {
  /** Called after a page was read. */
  onPage(page: NvsPage): void;
  /**
   * Something is set right.
   *
   * @param offset - Where it begins, bytes of the partition.
   * @param entry - The item concerned, where it has a name. A view for the moment.
   */
  onRecovery(recovery: NvsRecovery, offset: number, entry?: NvsEntry): void;
}
