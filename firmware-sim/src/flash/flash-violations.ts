/** At most this many violations are kept, the first ones; the count goes on. */
const VIOLATIONS_MAX = 1_000;

/** A rule of NOR flash that the software under test broke. */
export interface FlashViolation {
  /**
   * - `program-without-erase`: a program needs a bit to go from 0 to 1. Done as the chip does it: the bit stays 0.
   * - `out-of-bounds`: an access across the end. Refused.
   * - `erase-unaligned`: an erase that begins or ends inside a sector. Refused.
   */
  readonly kind: "program-without-erase" | "out-of-bounds" | "erase-unaligned";
  /** Byte offset in the flash: of the first bad bit's byte, or of the refused access. */
  readonly offset: number;
  /** One sentence for people. */
  readonly detail: string;
}

/** The rules broken so far. */
export class FlashViolations {
  readonly #kept: FlashViolation[] = [];
  #count = 0;

  /** The first thousand, in order. */
  get kept(): readonly FlashViolation[] {
    return this.#kept;
  }

  /** How many there were, kept or not. */
  get count(): number {
    return this.#count;
  }

  add(violation: FlashViolation): void {
    this.#count++;
    if (this.#kept.length < VIOLATIONS_MAX) this.#kept.push(violation);
  }

  copy(): FlashViolations {
    const copy = new FlashViolations();
    copy.#kept.push(...this.#kept);
    copy.#count = this.#count;
    return copy;
  }
}
