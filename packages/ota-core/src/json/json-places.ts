import type { JsonSpan } from "./strict-json.ts";

/** A place in a text: line and column from 1, the column in UTF-16 units, as editors count them. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** The places of a JSON document's values in its text. */
export class JsonPlaces {
  readonly #spans: ReadonlyMap<string, JsonSpan>;
  /** Offsets at which lines begin. */
  readonly #lineStarts: readonly number[];

  /**
   * @param text - The document.
   * @param spans - The spans that `parseStrictJson` recorded.
   */
  constructor(text: string, spans: ReadonlyMap<string, JsonSpan>) {
    this.#spans = spans;
    // A byte-order mark has no column.
    const starts = [text.startsWith("\uFEFF") ? 1 : 0];
    for (const { 0: end, index } of text.matchAll(/\r\n|\n|\r/g)) starts.push(index + end.length);
    this.#lineStarts = starts;
  }

  /**
   * Returns the start of a value or, if it does not exist, of the nearest value that encloses its place.
   *
   * @param pointer - JSON pointer (RFC 6901) of the value.
   */
  at(pointer: string): TextPlace {
    for (let path = pointer; ; path = path.slice(0, path.lastIndexOf("/"))) {
      const span = this.#spans.get(path);
      if (span !== undefined) return this.#placeOf(span.start);
      if (!path.includes("/")) return { line: 1, column: 1 };
    }
  }

  /** Finds the last line that begins at or before the offset, with a binary search. */
  #placeOf(offset: number): TextPlace {
    let [low, high] = [0, this.#lineStarts.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 };
  }
}
