import { concatBytes } from "@tinybms/ota-core";
import { EspErr } from "../esp-err/esp-err.ts";
import { type NvsHandle, nvs_erase_key, nvs_get_str_bytes, nvs_set_str } from "../nvs/nvs.ts";

/**
 * Maximum number of characters in one string. With its header, a string of this size fills half a page of NVS; a string
 * must fit into one page.
 */
const PIECE_SIZE_MAX = 1_960;

/** What a string of a text begins with. */
const HEADER = /^([0-9]{1,10}\/[0-9]{1,2}) /;

/** A value and the number of values stored before it. */
interface Numbered<T> {
  readonly number: number;
  readonly value: T;
}

/**
 * A text in NVS whose new value is written before the old one is erased. Texts are written alternately under two
 * names. Each text takes as many strings as it needs; each string begins with the text's number and the number of
 * strings. A power cut while ESP-IDF marks the old string as erased (`Page::eraseEntryAndSpan`) can make both
 * unreadable; the text under the other name is then still the previous value.
 */
export class StoredText<T> {
  readonly #handle: NvsHandle;
  readonly #name: string;
  readonly #parse: (text: string) => T | undefined;
  #newest: Numbered<T> | undefined;

  /**
   * Finds the newest stored text.
   *
   * @param name - At most 10 characters.
   * @param parse - Parses a text, and detects by its check value whether it is complete.
   */
  constructor(handle: NvsHandle, name: string, parse: (text: string) => T | undefined) {
    this.#handle = handle;
    this.#name = name;
    this.#parse = parse;
    for (const turn of [0, 1]) {
      const found = this.#read(turn);
      if (found !== undefined && found.number > (this.#newest?.number ?? -1)) this.#newest = found;
    }
  }

  /** The last stored value; `undefined` before the first, or if it is lost. */
  get value(): T | undefined {
    return this.#newest?.value;
  }

  /**
   * Writes an ASCII text, and keeps the previous one under the other name.
   *
   * @param isWritten - Returns ESP_OK if the flash accepted all writes.
   * @returns ESP_OK, or the error of NVS, in which case the previous text stays.
   */
  store(value: T, text: string, isWritten: () => number): number {
    const number = (this.#newest?.number ?? 0) + 1;
    const turn = number % 2;
    const pieces = Math.max(1, Math.ceil(text.length / PIECE_SIZE_MAX));
    const err = this.#write(turn, `${number}/${pieces} `, text) || isWritten();
    if (err === EspErr.ESP_OK) this.#newest = { number, value };
    // Strings left from a longer text, or from this one if it did not fit, would take space from other values.
    this.#eraseFrom(turn, err === EspErr.ESP_OK ? pieces : 0);
    return err;
  }

  #write(turn: number, header: string, text: string): number {
    for (let piece = 0; piece === 0 || piece * PIECE_SIZE_MAX < text.length; piece++) {
      const part = text.slice(piece * PIECE_SIZE_MAX, (piece + 1) * PIECE_SIZE_MAX);
      const err = nvs_set_str(this.#handle, this.#key(turn, piece), header + part);
      if (err !== EspErr.ESP_OK) return err;
    }
    return EspErr.ESP_OK;
  }

  #eraseFrom(turn: number, first: number): void {
    for (let piece = first; nvs_erase_key(this.#handle, this.#key(turn, piece)) === EspErr.ESP_OK; piece++);
  }

  #read(turn: number): Numbered<T> | undefined {
    const parts: Uint8Array[] = [];
    let header: string | undefined;
    // Strings with another header belong to another text.
    for (let piece = 0; ; piece++) {
      const stored = nvs_get_str_bytes(this.#handle, this.#key(turn, piece)).value ?? new Uint8Array();
      const [all = "", own] = HEADER.exec(new TextDecoder("latin1").decode(stored)) ?? [];
      if (own === undefined || (header !== undefined && own !== header)) break;
      header = own;
      parts.push(stored.subarray(all.length));
    }
    // The code in C splits its texts anywhere, even within a character.
    const value = this.#parse(new TextDecoder("utf-8", { ignoreBOM: true }).decode(concatBytes(parts)));
    return header === undefined || value === undefined ? undefined : { number: Number.parseInt(header, 10), value };
  }

  #key(turn: number, piece: number): string {
    return piece === 0 ? `${this.#name}_${turn}` : `${this.#name}_${turn}.${piece}`;
  }
}
