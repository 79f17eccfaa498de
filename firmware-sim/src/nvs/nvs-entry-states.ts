import { viewOf } from "@tinybms/ota-core";
import { ENTRY_COUNT } from "./nvs-entry.ts";

/** Size of a page's bitmap of entry states. */
export const ENTRY_STATES_SIZE_BYTES = 32;

/** State of an entry, two bits in the page's bitmap. Flash only clears bits: empty → written → erased. */
export const EntryState = { empty: 0b11, written: 0b10, erased: 0b00, illegal: 0b01 } as const;

/** One of {@link EntryState}'s numbers. */
export type EntryState = (typeof EntryState)[keyof typeof EntryState];

const STATES_PER_WORD = 16;
const STATES: readonly EntryState[] = [EntryState.erased, EntryState.illegal, EntryState.written, EntryState.empty];

/** What memory holds of a page's bitmap: 126 states, two bits each, least significant first in little-endian words. */
export class NvsEntryStates {
  readonly #words: Uint32Array = new Uint32Array(ENTRY_STATES_SIZE_BYTES / 4).fill(0xffff_ffff);

  /** Takes the bitmap over from flash. */
  load(bitmap: Uint8Array): void {
    const view = viewOf(bitmap);
    for (let index = 0; index < this.#words.length; index++) this.#words[index] = view.getUint32(4 * index, true);
  }

  /** Makes every entry empty. */
  clear(): void {
    this.#words.fill(0xffff_ffff);
  }

  get(entryIndex: number): EntryState {
    const word = this.#words[wordIndexOf(entryIndex)] ?? 0;
    return STATES[(word >>> shiftOf(entryIndex)) & 0b11] ?? EntryState.illegal;
  }

  set(entryIndex: number, state: EntryState): void {
    const shift = shiftOf(entryIndex);
    const word = this.#words[wordIndexOf(entryIndex)] ?? 0;
    this.#words[wordIndexOf(entryIndex)] = (word & ~(0b11 << shift)) | (state << shift);
  }

  /** The bytes of one word of the bitmap, for flash. */
  wordBytes(wordIndex: number): Uint8Array {
    const bytes = new Uint8Array(4);
    viewOf(bytes).setUint32(0, this.#words[wordIndex] ?? 0, true);
    return bytes;
  }

  /** The first entry in that state, or 126. */
  firstIndexOf(state: EntryState): number {
    let index = 0;
    while (index < ENTRY_COUNT && this.get(index) !== state) index++;
    return index;
  }

  /** How many entries are in that state. */
  count(state: EntryState): number {
    let count = 0;
    for (let index = 0; index < ENTRY_COUNT; index++) if (this.get(index) === state) count++;
    return count;
  }
}

/** Which word of the bitmap an entry's state is in. */
export function wordIndexOf(entryIndex: number): number {
  return Math.floor(entryIndex / STATES_PER_WORD);
}

function shiftOf(entryIndex: number): number {
  return 2 * (entryIndex % STATES_PER_WORD);
}
