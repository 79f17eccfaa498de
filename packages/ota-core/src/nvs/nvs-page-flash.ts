import { NVS_ENTRY_SIZE } from "./nvs-entry.ts";
import { NVS_ENTRY_STATES_SIZE, NvsEntryState, NvsEntryStates, nvsStateWordIndex } from "./nvs-entry-states.ts";
import { buildNvsPageHeader, NVS_PAGE_HEADER_SIZE, NVS_PAGE_SIZE, NVS_PAGE_STATE_WORDS } from "./nvs-page-header.ts";
import type { NvsStorage } from "./nvs-storage.ts";

const ENTRIES_OFFSET = NVS_PAGE_HEADER_SIZE + NVS_ENTRY_STATES_SIZE;

/** Flash of one page: header, bitmap of entry states, entries. Each method states its number of program operations. */
export class NvsPageFlash {
  readonly #storage: NvsStorage;
  /** Copy of the page, which saves reads while a partition is opened. Dropped at the first change. */
  #snapshot: Uint8Array | undefined;

  /** Offset of the page in the partition, in bytes. */
  readonly offset: number;
  /** Bitmap of entry states in memory. */
  readonly states: NvsEntryStates = new NvsEntryStates();

  /** @param offset - Offset of the page in the partition, in bytes. */
  constructor(storage: NvsStorage, offset: number) {
    this.#storage = storage;
    this.offset = offset;
  }

  /** Reads the whole page at once and keeps a copy until the page changes, or {@link releaseSnapshot}. */
  takeSnapshot(): Uint8Array {
    this.#snapshot = this.#storage.read(this.offset, NVS_PAGE_SIZE);
    return this.#snapshot;
  }

  /** Returns `true` if reads use the copy in memory. */
  get hasSnapshot(): boolean {
    return this.#snapshot !== undefined;
  }

  /** Drops the copy, so that later reads see changes of the flash cells. */
  releaseSnapshot(): void {
    this.#snapshot = undefined;
  }

  /** Returns the offset of an entry in the partition, in bytes. */
  offsetOf(entryIndex: number): number {
    return this.offset + entryOffset(entryIndex);
  }

  /**
   * Reads bytes from the start of an entry.
   *
   * @param sizeBytes - Number of bytes. @defaultValue The size of one entry
   * @returns The bytes; fewer at the end of the page.
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

  /** Programs whole entries at once, then marks them as written. */
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
