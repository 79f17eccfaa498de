import { createRandom } from "../random/random.ts";
import { FlashFaults } from "./flash-fault.ts";
import { SECTOR_SIZE, SectorStore } from "./sector-store.ts";
import type { Tear } from "./tears.ts";
import { WeakCells } from "./weak-cells.ts";

/** One page program or sector erase. */
export type CellOperation = {
  readonly sectorIndex: number;
  /** Where in the sector the cells begin, and how many there are. */
  readonly offset: number;
  readonly length: number;
} & ({ readonly kind: "erase" } | { readonly kind: "program"; readonly bytes: Uint8Array });

/**
 * The cells of a flash with what is wrong with them: those that a torn operation left weak, and the faults of the chip.
 * Ranges lie within the flash: whoever calls has made sure.
 */
export class FlashCells {
  readonly #store: SectorStore;
  readonly #weak: WeakCells;
  #faults: FlashFaults;

  private constructor(store: SectorStore, weak: WeakCells, faults: FlashFaults) {
    this.#store = store;
    this.#weak = weak;
    this.#faults = faults;
  }

  /** Blank cells, all sound. */
  static blank(sectorCount: number): FlashCells {
    const sectors = new Array<undefined>(sectorCount).fill(undefined);
    return new FlashCells(new SectorStore(sectors), new WeakCells(), new FlashFaults());
  }

  /** Cells in the same state, independent from now on. Costs one reference a sector. */
  fork(): FlashCells {
    return new FlashCells(this.#store.fork(), this.#weak.fork(), this.#faults.copy());
  }

  set faults(faults: FlashFaults) {
    this.#faults = faults;
  }

  /** Weak cells give way, or hold once more. */
  powerOn(): void {
    this.#weak.onPowerOn();
  }

  /** What a read sees of a sector: its cells, with weak ones flipped once they have given way. A view for the moment. */
  seen(sectorIndex: number): Uint8Array {
    const cells = this.#store.read(sectorIndex);
    if (this.#weak.isEmpty && !this.#faults.hasReadFlips) return cells;
    const flipped = this.#weak.onRead(sectorIndex);
    const held = flipped === undefined ? cells : cells.map((byte, index) => byte ^ (flipped[index] ?? 0));
    return this.#faults.hasReadFlips ? this.#faults.onRead(sectorIndex, held) : held;
  }

  /** What cells of a sector hold, whatever a read shows. A view for the moment. */
  held({ sectorIndex, offset, length }: Pick<CellOperation, "sectorIndex" | "offset" | "length">): Uint8Array {
    return this.#store.read(sectorIndex).subarray(offset, offset + length);
  }

  /** A copy of what cells hold, across sectors. */
  truth(offset: number, length: number): Uint8Array {
    return this.#store.copyOut(offset, length);
  }

  /** An object that stands for what a sector holds; `undefined` where reads may differ from the cells. */
  identity(sectorIndex: number): object | undefined {
    if (this.#faults.hasReadFlips || this.#weak.has(sectorIndex)) return undefined;
    return this.#store.identity(sectorIndex);
  }

  /** Sets cells to any bytes, across sectors; none of them is weak any more. */
  load(offset: number, bytes: Uint8Array): void {
    this.#store.copyIn(offset, bytes);
    const lastSector = Math.floor((offset + bytes.length - 1) / SECTOR_SIZE);
    for (let sector = Math.floor(offset / SECTOR_SIZE); sector <= lastSector; sector++) this.#weak.onErase(sector);
  }

  /**
   * Programs a whole blank sector in one step.
   *
   * @returns False, with nothing done, if it is not blank, or anything is wrong with any cell.
   */
  programBlank(sectorIndex: number, bytes: Uint8Array): boolean {
    return this.#weak.isEmpty && this.#faults.isEmpty && this.#store.fillBlank(sectorIndex, bytes);
  }

  /**
   * Carries out one operation as far as faults let it, and as far as a tear that power going leaves behind.
   *
   * @param seed - Decides what of a tear is random.
   * @returns False if the chip says that it failed.
   */
  carryOut(operation: CellOperation, tear: Tear | undefined, seed: number): boolean {
    const effect = this.#faults.onOperation(operation.kind, operation.sectorIndex);
    if (effect === "fails" || effect === "ignored") return effect !== "fails";
    const before = effect === "fades" ? this.held(operation).slice() : undefined;
    if (tear !== undefined) this.#tear(operation, tear, seed);
    else if (operation.kind === "erase") this.#erase(operation.sectorIndex);
    else this.#program(operation);
    if (before === undefined) return true;
    const after = this.held(operation);
    const cleared = before.map((byte, index) => byte & ~(after[index] ?? 0));
    this.#weak.add(operation.sectorIndex, operation.offset, cleared, seed);
    return true;
  }

  #erase(sectorIndex: number): void {
    this.#store.blank(sectorIndex);
    this.#weak.onErase(sectorIndex);
  }

  #program({ sectorIndex, offset, bytes }: Extract<CellOperation, { kind: "program" }>): void {
    const cells = this.#store.write(sectorIndex);
    for (let index = 0; index < bytes.length; index++) {
      cells[offset + index] = (cells[offset + index] ?? 0) & (bytes[index] ?? 0);
    }
    this.#weak.onProgram(sectorIndex, offset, bytes);
  }

  #tear(operation: CellOperation, tear: Tear, seed: number): void {
    const { sectorIndex, offset } = operation;
    const before = this.held(operation).slice();
    const done =
      operation.kind === "erase"
        ? new Uint8Array(before.length).fill(0xff)
        : before.map((byte, index) => byte & (operation.bytes[index] ?? 0));
    const torn = tear.apply(before, done, createRandom(seed));
    if (operation.kind === "erase" && tear.name !== "untouched") this.#weak.onErase(sectorIndex);
    this.#store.write(sectorIndex).set(torn.cells, offset);
    if (torn.weak !== undefined) this.#weak.add(sectorIndex, offset, torn.weak, seed);
  }
}
