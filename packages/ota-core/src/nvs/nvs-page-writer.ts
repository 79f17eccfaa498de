import { viewOf } from "../bytes.ts";
import { buildNvsEntry, NVS_ENTRY_COUNT, NVS_ENTRY_SIZE, type NvsEntry } from "./nvs-entry.ts";
import { NVS_ENTRY_STATES_SIZE, NvsEntryState, NvsEntryStates } from "./nvs-entry-states.ts";
import { buildNvsPageHeader, NVS_PAGE_HEADER_SIZE, NVS_PAGE_SIZE, NVS_PAGE_STATE_WORDS } from "./nvs-page-header.ts";

const ENTRIES_OFFSET: number = NVS_PAGE_HEADER_SIZE + NVS_ENTRY_STATES_SIZE;

/** Page that is being filled from its start. */
export class NvsPageWriter {
  /** Current content of the page, 4096 bytes. */
  readonly bytes: Uint8Array = new Uint8Array(NVS_PAGE_SIZE).fill(0xff);
  readonly #states: NvsEntryStates = new NvsEntryStates();
  #entryCount = 0;

  /**
   * @param sequence - Counts pages from 0.
   * @param version - The header's version byte.
   */
  constructor(sequence: number, version: number) {
    this.bytes.set(buildNvsPageHeader(sequence, version));
  }

  /** Returns the number of written entries. */
  get entryCount(): number {
    return this.#entryCount;
  }

  /** Number of free entries. */
  get room(): number {
    return NVS_ENTRY_COUNT - this.#entryCount;
  }

  /** Writes an item: its entry, then its payload, padded with 0xFF. The page must have enough free entries. */
  append(entry: NvsEntry, payload: Uint8Array = new Uint8Array(0)): void {
    const offset = ENTRIES_OFFSET + NVS_ENTRY_SIZE * this.#entryCount;
    this.bytes.set(buildNvsEntry(entry), offset);
    this.bytes.set(payload, offset + NVS_ENTRY_SIZE);
    const end = this.#entryCount + entry.span;
    while (this.#entryCount < end) this.#states.set(this.#entryCount++, NvsEntryState.written);
    for (let word = 0; 4 * word < NVS_ENTRY_STATES_SIZE; word++) {
      this.bytes.set(this.#states.wordBytes(word), NVS_PAGE_HEADER_SIZE + 4 * word);
    }
  }

  /** Marks the page as full. */
  close(): void {
    viewOf(this.bytes).setUint32(0, NVS_PAGE_STATE_WORDS.full, true);
  }
}
