import { sha256 } from "@tinybms/ota-core";
import { SectorPool } from "./sector-pool.ts";

/** Size of an erase sector in bytes. */
export const SECTOR_SIZE = 4096;

/**
 * Content of every blank sector. Shared by all flashes and never written to: a sector is copied before its first
 * change.
 */
const BLANK_SECTOR: Uint8Array = new Uint8Array(SECTOR_SIZE).fill(0xff);

/** Sectors that were written whole or whose content was identified, of all flashes in the process. */
const POOL: SectorPool = new SectorPool();

/**
 * Returns the SHA-256 of bytes. Of a whole sector it is computed once in the process, as long as the pool keeps the content:
 * a fleet that receives one image hashes it once.
 */
export function sha256OfContent(bytes: Uint8Array): Uint8Array {
  return bytes.length === SECTOR_SIZE ? POOL.sha256(bytes) : sha256(bytes);
}

/**
 * Stores the cells of a flash: one array for each sector that isn't blank, shared with every fork, and with other flashes
 * that hold the same content, until one side changes it.
 */
export class SectorStore {
  readonly #sectors: (Uint8Array | undefined)[];
  /** 1 where this store alone holds the sector's array and may change it in place. */
  readonly #owned: Uint8Array;

  /** @param sectors - Arrays of {@link SECTOR_SIZE} bytes, shared with the caller; `undefined` is blank. */
  constructor(sectors: (Uint8Array | undefined)[]) {
    this.#sectors = sectors;
    this.#owned = new Uint8Array(sectors.length);
  }

  /**
   * Returns the cells of a sector for reading. Valid until the store's next change: keep no reference.
   */
  read(sectorIndex: number): Uint8Array {
    return this.#sectors[sectorIndex] ?? BLANK_SECTOR;
  }

  /** Returns the cells of a sector, to be changed in place. */
  write(sectorIndex: number): Uint8Array {
    const held = this.#sectors[sectorIndex];
    if (held !== undefined && this.#owned[sectorIndex] === 1) return held;
    const copy = this.read(sectorIndex).slice();
    this.#sectors[sectorIndex] = copy;
    this.#owned[sectorIndex] = 1;
    return copy;
  }

  /**
   * Returns the array that holds a sector. It never changes again: the next write to the sector copies it first. Sectors
   * that give the same object, at any time, in this store or a fork, hold the same bytes.
   */
  identity(sectorIndex: number): object {
    this.#owned[sectorIndex] = 0;
    return this.read(sectorIndex);
  }

  /**
   * Returns what {@link identity} does, but the same object also for most sectors of other stores with equal bytes. The
   * devices of a fleet fill the last sector of an image page by page, and so each in an array of its own.
   */
  contentIdentity(sectorIndex: number): object {
    const held = this.#sectors[sectorIndex];
    if (held !== undefined && this.#owned[sectorIndex] === 1) this.#sectors[sectorIndex] = POOL.adopt(held);
    return this.identity(sectorIndex);
  }

  /**
   * Sets all cells of a blank sector at once.
   *
   * @returns `false`, with nothing changed, if the sector is not blank.
   */
  fillBlank(sectorIndex: number, bytes: Uint8Array): boolean {
    if (this.#sectors[sectorIndex] !== undefined) return false;
    this.#fill(sectorIndex, bytes);
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
      if (part.length === SECTOR_SIZE) this.#fill(sectorIndex, part);
      else this.write(sectorIndex).set(part, within);
      done += part.length;
    }
  }

  /** Copies cells, across sectors. The range lies within the store. */
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

  /** Returns a second store with the same cells. Costs one reference per sector, and 4 KiB per sector changed later. */
  fork(): SectorStore {
    this.#owned.fill(0);
    return new SectorStore(this.#sectors.slice());
  }

  #fill(sectorIndex: number, bytes: Uint8Array): void {
    const isBlank = Buffer.compare(BLANK_SECTOR, bytes) === 0;
    this.#sectors[sectorIndex] = isBlank ? undefined : POOL.share(bytes);
    this.#owned[sectorIndex] = 0;
  }
}
