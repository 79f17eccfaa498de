import { createRandom } from "../random/random.ts";
import { FlashFaults } from "./flash-fault.ts";
import { SECTOR_SIZE, SectorStore } from "./sector-store.ts";
import type { Tear } from "./tears.ts";
import { WeakCells } from "./weak-cells.ts";

/** One page program or sector erase. */
export type CellOperation = {
  readonly sectorIndex: number;
  /** First cell within the sector, in bytes, and number of bytes. */
  readonly offset: number;
  readonly length: number;
} & ({ readonly kind: "erase" } | { readonly kind: "program"; readonly bytes: Uint8Array });

/**
 * The cells of a flash with their defects: cells that a torn operation left weak, and faults of the chip. The caller
 * ensures that ranges lie within the flash.
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

  /** Creates blank cells without defects. */
  static blank(sectorCount: number): FlashCells {
    const sectors = new Array<undefined>(sectorCount).fill(undefined);
    return new FlashCells(new SectorStore(sectors), new WeakCells(), new FlashFaults());
  }

  /** Returns independent cells in the same state. Costs one reference per sector. */
  fork(): FlashCells {
    return new FlashCells(this.#store.fork(), this.#weak.fork(), this.#faults.copy());
  }

  set faults(faults: FlashFaults) {
    this.#faults = faults;
  }

  /** Counts a power-on, after which weak cells may flip. */
  powerOn(): void {
    this.#weak.onPowerOn();
  }

  /** Returns what a read of a sector sees, including weak cells that have flipped. Valid only until the next change. */
  seen(sectorIndex: number): Uint8Array {
    const cells = this.#store.read(sectorIndex);
    if (this.#weak.isEmpty && !this.#faults.hasReadFlips) return cells;
    const flipped = this.#weak.onRead(sectorIndex);
    const held = flipped === undefined ? cells : cells.map((byte, index) => byte ^ (flipped[index] ?? 0));
    return this.#faults.hasReadFlips ? this.#faults.onRead(sectorIndex, held) : held;
  }

  /** Returns the true cells of a sector, without read faults. Valid only until the next change. */
  held({ sectorIndex, offset, length }: Pick<CellOperation, "sectorIndex" | "offset" | "length">): Uint8Array {
    return this.#store.read(sectorIndex).subarray(offset, offset + length);
  }

  /** Copies the true cells, across sectors. */
  truth(offset: number, length: number): Uint8Array {
    return this.#store.copyOut(offset, length);
  }

  /** Returns an object that identifies a sector's content; `undefined` if reads may differ from the cells. */
  identity(sectorIndex: number): object | undefined {
    return this.#isUnreliable(sectorIndex) ? undefined : this.#store.identity(sectorIndex);
  }

  /** Returns what {@link identity} does, and mostly the same object for equal sectors of other flashes. */
  contentIdentity(sectorIndex: number): object | undefined {
    return this.#isUnreliable(sectorIndex) ? undefined : this.#store.contentIdentity(sectorIndex);
  }

  /** Writes bytes into the cells, across sectors, and makes these cells firm. */
  load(offset: number, bytes: Uint8Array): void {
    this.#store.copyIn(offset, bytes);
    const lastSector = Math.floor((offset + bytes.length - 1) / SECTOR_SIZE);
    for (let sector = Math.floor(offset / SECTOR_SIZE); sector <= lastSector; sector++) this.#weak.onErase(sector);
  }

  /**
   * Programs a whole blank sector in one step.
   *
   * @returns `false`, with nothing written, if the sector is not blank or any cell has a defect.
   */
  programBlank(sectorIndex: number, bytes: Uint8Array): boolean {
    return this.#weak.isEmpty && this.#faults.isEmpty && this.#store.fillBlank(sectorIndex, bytes);
  }

  /**
   * Carries out one operation, as far as faults and a power cut's tear allow.
   *
   * @param seed - Decides the random part of a tear.
   * @returns `false` if the chip reports a failure.
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

  #isUnreliable(sectorIndex: number): boolean {
    return this.#faults.hasReadFlips || this.#weak.has(sectorIndex);
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
