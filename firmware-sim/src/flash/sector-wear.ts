/** How often each sector of a flash was erased. Takes one byte a sector until one was erased more than 255 times. */
export class SectorWear {
  #erases: Uint8Array | Uint32Array;

  /** @param sectorCount - Number of sectors, none of which was erased yet. */
  constructor(sectorCount: number) {
    this.#erases = new Uint8Array(sectorCount);
  }

  /** Returns how often a sector was erased. */
  of(sectorIndex: number): number {
    return this.#erases[sectorIndex] ?? 0;
  }

  /** Counts one erase of a sector. */
  count(sectorIndex: number): void {
    const erases = this.of(sectorIndex) + 1;
    if (erases > 0xff && this.#erases instanceof Uint8Array) this.#erases = Uint32Array.from(this.#erases);
    this.#erases[sectorIndex] = erases;
  }

  /** Returns independent counts with the same values. */
  copy(): SectorWear {
    const copy = new SectorWear(0);
    copy.#erases = this.#erases.slice();
    return copy;
  }
}
