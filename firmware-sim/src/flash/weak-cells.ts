import { createRandom } from "../random/random.ts";
import { SECTOR_SIZE } from "./sector-store.ts";

/** Reads of its sector that a weak cell survives at most. */
const READS_MAX = 12;
/** Power-ons after the one that follows the cut, that a weak cell survives at most. */
const POWER_ONS_MAX = 3;

interface WeakSector {
  /** Bits (1 = weak) of the sector. */
  readonly mask: Uint8Array;
  readsLeft: number;
  powerOnsLeft: number;
}

/**
 * Cells that an interrupted operation left half charged: they read right for some reads or until some later power-on,
 * then flip and stay flipped until they are erased or programmed (linux-mtd 2011-10-18, "unstable bits").
 *
 * An overlay: the true cells stay what the operation left, so both can be compared.
 */
export class WeakCells {
  readonly #sectors = new Map<number, WeakSector>();

  get isEmpty(): boolean {
    return this.#sectors.size === 0;
  }

  /** Whether a sector has weak cells. */
  has(sectorIndex: number): boolean {
    return this.#sectors.has(sectorIndex);
  }

  /**
   * Marks cells as weak.
   *
   * @param sectorIndex - The sector they are in.
   * @param offset - Where `mask` begins within the sector.
   * @param mask - 1 bits are weak.
   * @param seed - Decides how long they hold.
   */
  add(sectorIndex: number, offset: number, mask: Uint8Array, seed: number): void {
    const random = createRandom(seed);
    const whole = this.#sectors.get(sectorIndex)?.mask.slice() ?? new Uint8Array(SECTOR_SIZE);
    for (const [index, bits] of mask.entries()) whole[offset + index] = (whole[offset + index] ?? 0) | bits;
    this.#sectors.set(sectorIndex, {
      mask: whole,
      readsLeft: random.integer(1, READS_MAX),
      powerOnsLeft: random.integer(2, 1 + POWER_ONS_MAX), // the first one ends the cut itself
    });
  }

  /**
   * Counts a read of the sector and says what it sees.
   *
   * @returns The bits that read flipped, or `undefined` if the sector reads as its cells are.
   */
  onRead(sectorIndex: number): Uint8Array | undefined {
    const weak = this.#sectors.get(sectorIndex);
    if (weak === undefined) return undefined;
    if (weak.readsLeft > 0 && weak.powerOnsLeft > 0) {
      weak.readsLeft--;
      return undefined;
    }
    return weak.mask;
  }

  /** Cells that are programmed again hold from then on. `bytes` are what was programmed: 0 bits are made firm. */
  onProgram(sectorIndex: number, offset: number, bytes: Uint8Array): void {
    const mask = this.#sectors.get(sectorIndex)?.mask;
    if (mask === undefined) return;
    for (const [index, byte] of bytes.entries()) mask[offset + index] = (mask[offset + index] ?? 0) & byte;
  }

  /** A whole erase makes every cell firm. */
  onErase(sectorIndex: number): void {
    this.#sectors.delete(sectorIndex);
  }

  onPowerOn(): void {
    for (const weak of this.#sectors.values()) if (weak.powerOnsLeft > 0) weak.powerOnsLeft--;
  }

  fork(): WeakCells {
    const copy = new WeakCells();
    for (const [index, weak] of this.#sectors) copy.#sectors.set(index, { ...weak, mask: weak.mask.slice() });
    return copy;
  }
}
