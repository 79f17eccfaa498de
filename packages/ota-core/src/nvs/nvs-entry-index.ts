import type { NvsBehaviors } from "./nvs-engine-behaviors.ts";
import { hasNvsEntryCrc, isConsistentNvsEntry, NVS_ENTRY_COUNT, NvsType } from "./nvs-entry.ts";

const NO_HASH = -1;
/** Results of the check of an entry. */
const [UNCHECKED, WHOLE, DAMAGED] = [0, 1, 2];

/**
 * Hashes of the items of one page by their first entry, and the results of checking its entries. A page without items, as
 * most are, takes no memory for them.
 */
export class NvsEntryIndex {
  readonly #behaviors: NvsBehaviors;
  #hashes: Int32Array | undefined;
  #verdicts: Uint8Array | undefined;

  constructor(behaviors: NvsBehaviors) {
    this.#behaviors = behaviors;
  }

  /** Stores the hash of the item that begins at an entry. */
  set(index: number, hash: number): void {
    this.#hashes ??= new Int32Array(NVS_ENTRY_COUNT).fill(NO_HASH);
    this.#hashes[index] = hash;
  }

  /** Removes the hash of the item that begins at an entry. */
  delete(index: number): void {
    if (this.#hashes !== undefined) this.#hashes[index] = NO_HASH;
  }

  /** Removes all hashes. */
  clear(): void {
    this.#hashes = undefined;
  }

  /** Returns the first item with a hash at or after an entry, or 126. */
  find(hash: number, fromIndex: number): number {
    const index = this.#hashes?.indexOf(hash, fromIndex) ?? -1;
    return index < 0 ? NVS_ENTRY_COUNT : index;
  }

  /**
   * Returns `true` if an entry counts: its CRC is right, and its fields too if the release checks them.
   *
   * @param bytes - The entry.
   * @param isUnchanged - Whether the page is unchanged since it was read into memory. Each entry is then checked once.
   */
  isWhole(bytes: Uint8Array, index: number, isUnchanged: boolean): boolean {
    if (!isUnchanged) return this.#check(bytes, index);
    this.#verdicts ??= new Uint8Array(NVS_ENTRY_COUNT);
    if (this.#verdicts[index] === UNCHECKED) this.#verdicts[index] = this.#check(bytes, index) ? WHOLE : DAMAGED;
    return this.#verdicts[index] === WHOLE;
  }

  #check(bytes: Uint8Array, index: number): boolean {
    const { checksEntryFields, acceptsFloats } = this.#behaviors;
    if (!checksEntryFields) return hasNvsEntryCrc(bytes);
    if (!acceptsFloats && (bytes[1] === NvsType.float || bytes[1] === NvsType.double)) return false;
    return isConsistentNvsEntry(bytes, index);
  }
}
