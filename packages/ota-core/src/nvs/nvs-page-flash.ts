import { NVS_ENTRY_SIZE } from "./nvs-entry.ts";
import { NVS_ENTRY_STATES_SIZE, NvsEntryState, NvsEntryStates, nvsStateWordIndex } from "./nvs-entry-states.ts";
import { buildNvsPageHeader, NVS_PAGE_HEADER_SIZE, NVS_PAGE_SIZE, NVS_PAGE_STATE_WORDS } from "./nvs-page-header.ts";
import type { NvsStorage } from "./nvs-storage.ts";

const ENTRIES_OFFSET = NVS_PAGE_HEADER_SIZE + NVS_ENTRY_STATES_SIZE;

/** The flash of one page: header, bitmap of entry states, entries. Each method is as many programs as it says. */
export class NvsPageFlash {
  readonly #storage: NvsStorage;
  /** The page as last read: spares reads while a partition is opened. Gone with the first change. */
  #snapshot: Uint8Array | undefined;

  /** Where the page begins in the partition, bytes. */
  readonly offset: number;
  /** The bitmap as memory has it. */
  readonly states: NvsEntryStates = new NvsEntryStates();

  /** @param offset - Where the page begins in the partition, bytes. */
  constructor(storage: NvsStorage, offset: number) {
    this.#storage = storage;
    this.offset = offset;
  }

  /** Reads the whole page in one go and keeps it until the page changes, or {@link releaseSnapshot}. */
  takeSnapshot(): Uint8Array {
    this.#snapshot = this.#storage.read(this.offset, NVS_PAGE_SIZE);
    return this.#snapshot;
  }

  /** Returns whether reads come from memory. */
  get hasSnapshot(): boolean {
    return this.#snapshot !== undefined;
  }

  /** Lets every later read go to flash again, so that what happens to the cells is seen. */
  releaseSnapshot(): void {
    this.#snapshot = undefined;
  }

  /** Returns where an entry stands in the partition, bytes. */
  offsetOf(entryIndex: number): number {
    return this.offset + entryOffset(entryIndex);
  }

  /**
   * Reads from an entry on.
   *
   * @param sizeBytes - How many bytes. @defaultValue Those of one entry.
   * @returns What is there; less at the end of the page.
   */
  read(entryIndex: number, sizeBytes: number = NVS_ENTRY_SIZE): Uint8Array {
    const offset = entryOffset(entryIndex);
    const end = Math.min(offset + sizeBytes, NVS_PAGE_SIZE);
    if (this.#snapshot !== undefined) return this.#snapshot.subarray(offset, end);
    return this.#storage.read(this.offset + offset, end - offset);
  }

  /** Programs the header of an active page. */
  programHeader(sequence: number, version: number): void {
    this.#program(0, buildNvsPageHeader(sequence, version));
    this.states.clear();
  }

  /** Programs the state word at the page's start. */
  programPageState(state: "full" | "freeing"): void {
    const word = NVS_PAGE_STATE_WORDS[state];
    this.#program(0, Uint8Array.of(word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24));
  }

  /** Programs whole entries in one go, then marks them written. */
  programEntries(entryIndex: number, bytes: Uint8Array): void {
    this.#program(entryOffset(entryIndex), bytes);
    this.programStates(entryIndex, entryIndex + bytes.length / NVS_ENTRY_SIZE, NvsEntryState.written);
  }

  /** Sets the states of entries `begin` to `end` − 1: one program for each word, from the last to the first. */
  programStates(begin: number, end: number, state: NvsEntryState): void {
    for (let index = end - 1; index >= begin; index--) {
      this.states.set(index, state);
      const wordIndex = nvsStateWordIndex(index);
      if (index > begin && nvsStateWordIndex(index - 1) === wordIndex) continue;
      this.#program(NVS_PAGE_HEADER_SIZE + 4 * wordIndex, this.states.wordBytes(wordIndex));
    }
  }

  /** Overwrites entries `begin` to `end` − 1 with zeros, one program each. */
  purge(begin: number, end: number): void {
    const zeros = new Uint8Array(NVS_ENTRY_SIZE);
    for (let index = begin; index < end; index++) this.#program(entryOffset(index), zeros);
  }

  /** Erases the sector. */
  eraseSector(): void {
    this.#snapshot = undefined;
    this.#storage.eraseSector(this.offset);
    this.states.clear();
  }

  #program(offset: number, bytes: Uint8Array): void {
    this.#snapshot = undefined;
    this.#storage.program(this.offset + offset, bytes);
  }
}

function entryOffset(index: number): number {
  return ENTRIES_OFFSET + index * NVS_ENTRY_SIZE;
}
