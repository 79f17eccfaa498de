import { viewOf } from "../bytes.ts";
import { NVS_ENTRY_COUNT } from "./nvs-entry.ts";

/** Size of a page's bitmap of entry states. */
export const NVS_ENTRY_STATES_SIZE = 32;

/** State of an entry, two bits in the page's bitmap. Flash only clears bits: empty → written → erased. */
export const NvsEntryState = { empty: 0b11, written: 0b10, erased: 0b00, illegal: 0b01 } as const;

/** One of {@link NvsEntryState}'s numbers. */
export type NvsEntryState = (typeof NvsEntryState)[keyof typeof NvsEntryState];

const STATES_PER_WORD = 16;
const STATES: readonly NvsEntryState[] = [
  NvsEntryState.erased,
  NvsEntryState.illegal,
  NvsEntryState.written,
  NvsEntryState.empty,
];

/** Copy of a page's bitmap in memory: 126 states of two bits, least significant first, in little-endian words. */
export class NvsEntryStates {
  readonly #words: Uint32Array = new Uint32Array(NVS_ENTRY_STATES_SIZE / 4).fill(0xffff_ffff);

  /** Loads the bitmap from flash. */
  load(bitmap: Uint8Array): void {
    const view = viewOf(bitmap);
    for (let index = 0; index < this.#words.length; index++) this.#words[index] = view.getUint32(4 * index, true);
  }

  /** Makes every entry empty. */
  clear(): void {
    this.#words.fill(0xffff_ffff);
  }

  get(entryIndex: number): NvsEntryState {
    const word = this.#words[nvsStateWordIndex(entryIndex)] ?? 0;
    return STATES[(word >>> shiftOf(entryIndex)) & 0b11] ?? NvsEntryState.illegal;
  }

  set(entryIndex: number, state: NvsEntryState): void {
    const shift = shiftOf(entryIndex);
    const word = this.#words[nvsStateWordIndex(entryIndex)] ?? 0;
    this.#words[nvsStateWordIndex(entryIndex)] = (word & ~(0b11 << shift)) | (state << shift);
  }

  /** Returns the bytes of one word of the bitmap, for flash. */
  wordBytes(wordIndex: number): Uint8Array {
    const bytes = new Uint8Array(4);
    viewOf(bytes).setUint32(0, this.#words[wordIndex] ?? 0, true);
    return bytes;
  }

  /** Returns the index of the first entry in a state, or 126. */
  firstIndexOf(state: NvsEntryState): number {
    let index = 0;
    while (index < NVS_ENTRY_COUNT && this.get(index) !== state) index++;
    return index;
  }

  /** Returns the number of entries in a state. */
  count(state: NvsEntryState): number {
    let count = 0;
    for (let index = 0; index < NVS_ENTRY_COUNT; index++) if (this.get(index) === state) count++;
    return count;
  }
}

/** Returns the index of the bitmap's word that contains an entry's state. */
export function nvsStateWordIndex(entryIndex: number): number {
  return Math.floor(entryIndex / STATES_PER_WORD);
}

function shiftOf(entryIndex: number): number {
  return 2 * (entryIndex % STATES_PER_WORD);
}
