/** A binary that a host loads into RAM in blocks. Only its location is kept. */
export class RamLoad {
  readonly #ranges: { readonly start: number; readonly end: number }[] = [];
  #left = 0;

  /** Begins a segment. */
  begin(address: number, sizeBytes: number): void {
    this.#ranges.push({ start: address, end: address + sizeBytes });
    this.#left = sizeBytes;
  }

  /** Accepts a block. @returns `false` if the segment has no room for so many bytes. */
  block(sizeBytes: number): boolean {
    if (sizeBytes > this.#left) return false;
    this.#left -= sizeBytes;
    return true;
  }

  /** Returns whether all segments are complete and one contains the address. */
  holds(address: number): boolean {
    return this.#left === 0 && this.#ranges.some(({ start, end }) => address >= start && address < end);
  }
}
