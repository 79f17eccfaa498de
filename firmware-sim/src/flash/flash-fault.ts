/** Something that is wrong with the cells of a flash, for good. */
export type FlashFault =
  | {
      /**
       * - `erase-fails`, `program-fails`: the driver sees it time out; nothing changes.
       * - `erase-ignored`, `program-ignored`: nothing changes, and nobody is told.
       * - `program-fades`: it reads back right, and the bits it cleared do not hold.
       */
      readonly type: "erase-fails" | "erase-ignored" | "program-fails" | "program-ignored" | "program-fades";
      /** Which sector: its offset divided by 4096. */
      readonly sectorIndex: number;
      /** From which operation of this kind in the sector on; 1, the first, without it. */
      readonly from?: number;
    }
  | {
      /** A bit reads wrong though its cell is right. */
      readonly type: "read-flip";
      /** Of the byte, in the flash. */
      readonly offset: number;
      /** 0 (lowest) to 7. */
      readonly bit: number;
      /** Which read of the byte's sector is wrong, from 1 on; every one without it. */
      readonly read?: number;
    };

/** What a fault does to one operation: it fails, does nothing, or does not hold. */
export type FaultEffect = "fails" | "ignored" | "fades";

/** The faults of one flash, and how often their sectors were used. */
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

  /** Counts an operation and says what becomes of it; `undefined`: it is carried out. */
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

  /** Counts a read of a sector and gives what it sees: `cells`, or a copy with bits flipped. */
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
