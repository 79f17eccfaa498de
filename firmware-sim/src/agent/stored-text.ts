import { EspErr } from "../esp-err/esp-err.ts";
import { type NvsHandle, nvs_erase_key, nvs_get_str, nvs_set_str } from "../nvs/nvs.ts";

/**
 * Characters of text in one string: with the numbers in front it fills half a page of NVS, where a string has to lie in one
 * page.
 */
const PIECE_SIZE_MAX = 1_960;

/** A value, with how many were stored before it. */
interface Numbered<T> {
  readonly number: number;
  readonly value: T;
}

/**
 * An ASCII text in NVS that is replaced new-before-old: written in turns under two names, each text in as many strings as
 * it needs, with its number and their count before each. A power cut while ESP-IDF marks a string's old form as erased (`Page::eraseEntryAndSpan`) can leave neither form
 * readable; the other text then still holds what was stored before.
 */
export class StoredText<T> {
  readonly #handle: NvsHandle;
  readonly #name: string;
  readonly #parse: (text: string) => T | undefined;
  #newest: Numbered<T> | undefined;

  /**
   * Finds the newest of what is stored.
   *
   * @param name - At most 10 characters.
   * @param parse - Parses a text; its check value says whether it is whole.
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

  /** What was stored last; `undefined` if nothing was stored, or it is lost. */
  get value(): T | undefined {
    return this.#newest?.value;
  }

  /**
   * Writes a text beside the one before.
   *
   * @param isWritten - Whether the flash took all of it.
   * @returns ESP_OK, or what NVS gave: the text before then stands.
   */
  store(value: T, text: string, isWritten: () => number): number {
    const number = (this.#newest?.number ?? 0) + 1;
    const turn = number % 2;
    const pieces = Math.max(1, Math.ceil(text.length / PIECE_SIZE_MAX));
    const err = this.#write(turn, `${number}/${pieces} `, text) || isWritten();
    if (err === EspErr.ESP_OK) this.#newest = { number, value };
    // What is left of a longer text, or of this one where there is no room for it, is in the way of others.
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
    let text = "";
    let header: string | undefined;
    // Strings under another header are left of another text.
    for (let piece = 0; ; piece++) {
      const stored = nvs_get_str(this.#handle, this.#key(turn, piece)).value ?? "";
      const [, own, part = ""] = /^([0-9]{1,10}\/[0-9]{1,2}) (.*)$/s.exec(stored) ?? [];
      if (own === undefined || (header !== undefined && own !== header)) break;
      header = own;
      text += part;
    }
    const value = this.#parse(text);
    return header === undefined || value === undefined ? undefined : { number: Number.parseInt(header, 10), value };
  }

  #key(turn: number, piece: number): string {
    return piece === 0 ? `${this.#name}_${turn}` : `${this.#name}_${turn}.${piece}`;
  }
}
