import { assert } from "./assert.ts";

/** A run of consecutive positions: the first position and their number. */
export type ChunkRange = readonly [first: number, count: number];

/** A set of positions from 0 to `size` − 1, one bit each. */
export class Bitmap {
  /** Number of positions that the set can hold. */
  readonly size: number;
  readonly #words: Uint32Array;
  #count = 0;

  constructor(size: number) {
    assert(Number.isInteger(size) && size >= 0, "a bitmap has a size");
    this.size = size;
    this.#words = new Uint32Array(Math.ceil(size / 32));
  }

  /** Returns the number of positions in the set. */
  get count(): number {
    return this.#count;
  }

  /** Returns `true` if the position is in the set. */
  has(position: number): boolean {
    return ((this.#words[position >>> 5] ?? 0) & (1 << (position & 31))) !== 0;
  }

  /**
   * Adds a position.
   *
   * @param position - From 0 to `size` − 1.
   * @returns `true` if the set changed.
   */
  add(position: number): boolean {
    assert(position >= 0 && position < this.size, "a position lies within the bitmap");
    if (this.has(position)) return false;
    this.#words[position >>> 5] = (this.#words[position >>> 5] ?? 0) | (1 << (position & 31));
    this.#count++;
    return true;
  }

  /**
   * Removes a position. Ignores a position outside the bitmap.
   *
   * @returns `true` if the set changed.
   */
  delete(position: number): boolean {
    if (position < 0 || position >= this.size || !this.has(position)) return false;
    this.#words[position >>> 5] = (this.#words[position >>> 5] ?? 0) & ~(1 << (position & 31));
    this.#count--;
    return true;
  }

  /** Removes all positions. */
  clear(): void {
    this.#words.fill(0);
    this.#count = 0;
  }

  /** Adds every position. */
  addAll(): void {
    for (let position = 0; position < this.size; position++) this.add(position);
  }

  /** Returns the lowest position in the set at or after `from`, or `undefined` if there is no such position. */
  next(from: number): number | undefined {
    for (let position = Math.max(0, from); position < this.size; position++) {
      if ((this.#words[position >>> 5] ?? 0) >>> (position & 31) === 0) {
        position |= 31; // nothing left in this word
        continue;
      }
      if (this.has(position)) return position;
    }
    return undefined;
  }

  /**
   * Returns the runs of consecutive positions in the set, lowest first.
   *
   * @param limit - Maximum number of runs. @defaultValue No limit.
   */
  ranges(limit: number = Number.POSITIVE_INFINITY): ChunkRange[] {
    const ranges: ChunkRange[] = [];
    let first = this.next(0);
    while (first !== undefined && ranges.length < limit) {
      let end = first + 1;
      while (this.has(end)) end++;
      ranges.push([first, end - first]);
      first = this.next(end);
    }
    return ranges;
  }
}
