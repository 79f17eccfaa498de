/** A permanent fault in the cells of a flash. */
export type FlashFault =
  | {
      /**
       * - `erase-fails`, `program-fails`: the driver sees a timeout; nothing changes.
       * - `erase-ignored`, `program-ignored`: nothing changes, but the chip reports success.
       * - `program-fades`: the bits read back correctly at first, and flip later.
       */
      readonly type: "erase-fails" | "erase-ignored" | "program-fails" | "program-ignored" | "program-fades";
      /** Index of the sector: its offset divided by 4096. */
      readonly sectorIndex: number;
      /**
       * First operation of this kind in the sector that fails.
       *
       * @defaultValue 1
       */
      readonly from?: number;
    }
  | {
      /** A bit that reads wrong although its cell is correct. */
      readonly type: "read-flip";
      /** Offset of the byte in the flash. */
      readonly offset: number;
      /** Number of the bit, 0 (lowest) to 7. */
      readonly bit: number;
      /** Number of the read of the byte's sector that is wrong, from 1; without it every read is. */
      readonly read?: number;
    };

/** Effect of a fault on one operation: it fails, does nothing, or does not last. */
export type FaultEffect = "fails" | "ignored" | "fades";

/** The faults of one flash, with a count of the uses of their sectors. */
export class FlashFaults {
  readonly #faults: readonly FlashFault[];
  readonly #counts: Map<string, number>;
  readonly hasReadFlips: boolean;
  readonly isEmpty: boolean;

  constructor(faults: readonly FlashFault[] = [], counts: ReadonlyMap<string, number> = new Map()) {
    this.#faults = faults;
    this.#counts = new Map(counts);
    this.isEmpty = faults.length === 0;
    this.hasReadFlips = faults.some(({ type }) => type === "read-flip");
  }

  /** Counts an operation and returns the fault's effect on it; `undefined` if there is none. */
  onOperation(kind: "erase" | "program", sectorIndex: number): FaultEffect | undefined {
    if (this.#faults.length === 0) return undefined;
    const count = this.#count(`${kind} ${sectorIndex}`);
    for (const fault of this.#faults) {
      if (fault.type === "read-flip" || fault.sectorIndex !== sectorIndex || count < (fault.from ?? 1)) continue;
      const [what, effect] = fault.type.split("-");
      if (what === kind && (effect === "fails" || effect === "ignored" || effect === "fades")) return effect;
    }
    return undefined;
  }

  /** Counts a read of a sector and returns what it reads: `cells`, or a copy with bits flipped. */
  onRead(sectorIndex: number, cells: Uint8Array): Uint8Array {
    const count = this.#count(`read ${sectorIndex}`);
    let seen = cells;
    for (const fault of this.#faults) {
      if (fault.type !== "read-flip" || (fault.read ?? count) !== count) continue;
      const within = fault.offset - sectorIndex * cells.length;
      if (within < 0 || within >= cells.length) continue;
      if (seen === cells) seen = cells.slice();
      seen[within] = (seen[within] ?? 0) ^ (1 << fault.bit);
    }
    return seen;
  }

  copy(): FlashFaults {
    return this.#faults.length === 0 ? this : new FlashFaults(this.#faults, this.#counts);
  }

  #count(what: string): number {
    const count = (this.#counts.get(what) ?? 0) + 1;
    this.#counts.set(what, count);
    return count;
  }
}
