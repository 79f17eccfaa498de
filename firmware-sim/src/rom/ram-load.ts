/** A binary that a host puts into RAM in blocks. What it is doesn't matter, only where. */
export class RamLoad {
  readonly #ranges: { readonly start: number; readonly end: number }[] = [];
  #left = 0;

  /** Another segment comes. */
  begin(address: number, sizeBytes: number): void {
    this.#ranges.push({ start: address, end: address + sizeBytes });
    this.#left = sizeBytes;
  }

  /** Takes a block. @returns False where no segment waits for so many bytes. */
  block(sizeBytes: number): boolean {
    if (sizeBytes > this.#left) return false;
    this.#left -= sizeBytes;
    return true;
  }

  /** Whether the segments, all of them whole, hold the address. */
  holds(address: number): boolean {
    return this.#left === 0 && this.#ranges.some(({ start, end }) => address >= start && address < end);
  }
}
