import type { NvsEntry } from "./nvs-entry.ts";
import type { NvsPage } from "./nvs-page.ts";

/** Fault that NVS finds in a page and repairs when it opens a partition. */
export type NvsRecovery =
  /** The state word is blank, but other bytes are not. */
  | "page-half-erased"
  | "page-zeroed"
  | "page-header-crc"
  | "page-newer-version"
  | "page-state-unknown"
  /** An entry was written without its state. */
  | "entry-without-state"
  | "entry-state-illegal"
  /** The CRC or a field is wrong. */
  | "entry-damaged"
  /** An item in the active page whose entries are not all marked as written. */
  | "item-half-written"
  /** An item in a full page whose entries are not all marked as written. */
  | "item-half-erased"
  /** The older copy of an item in the same page. */
  | "item-twice"
  /** The older copy of the newest page's last item, in an older page. */
  | "item-twice-in-older-page"
  /** A blob's index whose chunks do not add up, or a chunk without an index. */
  | "blob-incomplete"
  /** The items of a page were being moved. */
  | "page-freeing"
  | "no-free-page";

/** Receives what NVS finds while it opens a partition. Each call precedes the change. */
export interface NvsObserver {
  /** Called after a page was read. */
  onPage(page: NvsPage): void;
  /**
   * Called before a repair.
   *
   * @param offset - Offset of the repaired bytes in the partition.
   * @param entry - Entry of the item, if it has a name. Valid only during the call.
   */
  onRecovery(recovery: NvsRecovery, offset: number, entry?: NvsEntry): void;
}
