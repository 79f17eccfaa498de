import { EspErr } from "../esp-idf/esp-err.ts";
import { type NvsHandle, nvs_get_str, nvs_set_str } from "../nvs/nvs.ts";

/**
 * Characters of text in one string: with its number in front it fills half a page of NVS, where a string has to lie in one
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
 * it needs. A power cut while ESP-IDF marks a string's old form as erased (`Page::eraseEntryAndSpan`) can leave neither form
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
   * @param parse - Reads a text, and tells by its check value whether it is whole.
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

  /** What was stored last; `undefined` where there is none, or it is lost. */
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
    const pieces = Math.max(1, Math.ceil(text.length / PIECE_SIZE_MAX));
    for (let piece = 0; piece < pieces; piece++) {
      const part = text.slice(piece * PIECE_SIZE_MAX, (piece + 1) * PIECE_SIZE_MAX);
      const err = nvs_set_str(this.#handle, this.#key(number % 2, piece), `${number} ${part}`);
      if (err !== EspErr.ESP_OK) return err;
    }
    const err = isWritten();
    if (err === EspErr.ESP_OK) this.#newest = { number, value };
    return err;
  }

  #read(turn: number): Numbered<T> | undefined {
    let text = "";
    let number: number | undefined;
    // Strings with another number are left of a longer text before.
    for (let piece = 0; ; piece++) {
      const stored = nvs_get_str(this.#handle, this.#key(turn, piece)).value ?? "";
      const [, digits, part = ""] = /^([0-9]{1,10}) (.*)$/s.exec(stored) ?? [];
      if (digits === undefined || (number !== undefined && Number(digits) !== number)) break;
      number = Number(digits);
      text += part;
    }
    const value = this.#parse(text);
    return number === undefined || value === undefined ? undefined : { number, value };
  }

  #key(turn: number, piece: number): string {
    return piece === 0 ? `${this.#name}_${turn}` : `${this.#name}_${turn}.${piece}`;
  }
}
