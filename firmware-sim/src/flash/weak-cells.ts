import { createRandom } from "../random/random.ts";
import { SECTOR_SIZE } from "./sector-store.ts";

/** Maximum number of reads of its sector that a weak cell survives. */
const READS_MAX = 12;
/** Maximum number of power-ons that a weak cell survives, after the one that follows the cut. */
const POWER_ONS_MAX = 3;

interface WeakSector {
  /** Bits (1 = weak) of the sector. */
  readonly mask: Uint8Array;
  readsLeft: number;
  powerOnsLeft: number;
}

/**
 * Cells that an interrupted operation left half charged. They read correctly for some reads or until a later power-on,
 * then flip and stay flipped until they are erased or programmed (linux-mtd 2011-10-18, "unstable bits").
 *
 * An overlay: the true cells stay as the operation left them, so that both can be compared.
 */
export class WeakCells {
  readonly #sectors = new Map<number, WeakSector>();

  get isEmpty(): boolean {
    return this.#sectors.size === 0;
  }

  /** Returns whether a sector has weak cells. */
  has(sectorIndex: number): boolean {
    return this.#sectors.has(sectorIndex);
  }

  /**
   * Marks cells as weak.
   *
   * @param sectorIndex - Sector of the cells.
   * @param offset - Offset of `mask` within the sector, in bytes.
   * @param mask - Bits that are 1 become weak.
   * @param seed - Decides when they flip.
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
   * Counts a read of the sector.
   *
   * @returns The bits that read flipped; `undefined` if the sector reads as its cells are.
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

  /** Makes cells firm that were programmed again: those whose bits are 0 in `bytes`. */
  onProgram(sectorIndex: number, offset: number, bytes: Uint8Array): void {
    const mask = this.#sectors.get(sectorIndex)?.mask;
    if (mask === undefined) return;
    for (const [index, byte] of bytes.entries()) mask[offset + index] = (mask[offset + index] ?? 0) & byte;
  }

  /** Makes all cells of an erased sector firm. */
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
