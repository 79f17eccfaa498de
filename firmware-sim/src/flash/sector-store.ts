/** Size of an erase sector in bytes. */
export const SECTOR_SIZE = 4096;

/**
 * What every blank sector reads as. Shared by all flashes, and never written to: a sector is copied before its first
 * change.
 */
const BLANK_SECTOR: Uint8Array = new Uint8Array(SECTOR_SIZE).fill(0xff);

/**
 * The cells of a flash: one array for each sector that isn't blank, shared with every fork until one side changes it.
 */
export class SectorStore {
  readonly #sectors: (Uint8Array | undefined)[];
  /** 1 where this store alone holds the sector's array and may change it in place. */
  readonly #owned: Uint8Array;

  /** @param sectors - Arrays of {@link SECTOR_SIZE} bytes, shared with whoever gave them; `undefined` is blank. */
  constructor(sectors: (Uint8Array | undefined)[]) {
    this.#sectors = sectors;
    this.#owned = new Uint8Array(sectors.length);
  }

  /**
   * The cells of a sector, for reading. Valid until the store's next change: keep no reference.
   */
  read(sectorIndex: number): Uint8Array {
    return this.#sectors[sectorIndex] ?? BLANK_SECTOR;
  }

  /** The cells of a sector, to be changed in place. */
  write(sectorIndex: number): Uint8Array {
    const held = this.#sectors[sectorIndex];
    if (held !== undefined && this.#owned[sectorIndex] === 1) return held;
    const copy = this.read(sectorIndex).slice();
    this.#sectors[sectorIndex] = copy;
    this.#owned[sectorIndex] = 1;
    return copy;
  }

  /**
   * The array that holds a sector, never changed again: the next write to the sector copies it first. Two sectors, now or
   * later, of this store or a fork, that give the same object hold the same bytes.
   */
  identity(sectorIndex: number): object {
    this.#owned[sectorIndex] = 0;
    return this.read(sectorIndex);
  }

  /**
   * Sets all cells of a blank sector at once.
   *
   * @returns False, with nothing done, if the sector is not blank.
   */
  fillBlank(sectorIndex: number, bytes: Uint8Array): boolean {
    if (this.#sectors[sectorIndex] !== undefined) return false;
    // Not slice(): that of a Node.js Buffer is a view.
    this.#sectors[sectorIndex] = new Uint8Array(bytes);
    this.#owned[sectorIndex] = 1;
    return true;
  }

  /** Sets all cells of a sector to 1. */
  blank(sectorIndex: number): void {
    this.#sectors[sectorIndex] = undefined;
  }

  /** Sets cells to any bytes, across sectors. The range lies within the store. */
  copyIn(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const sectorIndex = Math.floor((offset + done) / SECTOR_SIZE);
      const within = (offset + done) % SECTOR_SIZE;
      const part = bytes.subarray(done, done + SECTOR_SIZE - within);
      if (part.length === SECTOR_SIZE && part.every((byte) => byte === 0xff)) this.blank(sectorIndex);
      else this.write(sectorIndex).set(part, within);
      done += part.length;
    }
  }

  /** A copy of cells, across sectors. The range lies within the store. */
  copyOut(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const within = (offset + done) % SECTOR_SIZE;
      const sector = this.read(Math.floor((offset + done) / SECTOR_SIZE));
      const part = sector.subarray(within, Math.min(SECTOR_SIZE, within + length - done));
      bytes.set(part, done);
      done += part.length;
    }
    return bytes;
  }

  /** A second store with the same cells. Costs one reference a sector; a changed sector costs its 4 KiB. */
  fork(): SectorStore {
    this.#owned.fill(0);
    return new SectorStore(this.#sectors.slice());
  }
}
