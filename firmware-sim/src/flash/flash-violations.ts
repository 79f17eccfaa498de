import { formatHex } from "@tinybms/ota-core";

/** At most this many violations are kept, the first ones; the count goes on. */
const VIOLATIONS_MAX = 1_000;

/** A rule of NOR flash that the software under test broke. */
export interface FlashViolation {
  /**
   * - `program-without-erase`: a program needs a bit to go from 0 to 1. Done as the chip does it: the bit stays 0.
   * - `out-of-bounds`: an access across the end. Refused.
   * - `erase-unaligned`: an erase that begins or ends inside a sector. Refused.
   * - `program-unaligned`: with flash encryption, a program that is not of whole 16-byte blocks. Refused.
   */
  readonly kind: "program-without-erase" | "out-of-bounds" | "erase-unaligned" | "program-unaligned";
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

/** An access of `length` bytes at `offset` that crosses the end of a flash of `sizeBytes`. */
export function outOfBounds(
  access: "read" | "program" | "erase",
  offset: number,
  length: number,
  sizeBytes: number,
): FlashViolation {
  const detail = `${access} of ${length} bytes at ${formatHex(offset)}; the flash ends at ${formatHex(sizeBytes)}`;
  return { kind: "out-of-bounds", offset, detail };
}

/** An erase that is not of whole sectors. */
export function eraseUnaligned(offset: number, length: number): FlashViolation {
  const detail = `erase of ${length} bytes at ${formatHex(offset)} is not of whole 4096-byte sectors`;
  return { kind: "erase-unaligned", offset, detail };
}

/** A program of encrypted flash that is not of whole blocks. */
export function programUnaligned(offset: number, length: number): FlashViolation {
  const detail = `program of ${length} bytes at ${formatHex(offset)} is not of whole 16-byte blocks, as flash encryption asks`;
  return { kind: "program-unaligned", offset, detail };
}

/**
 * A program of bits that are 0 already to 1.
 *
 * @param offset - Where in the flash the program begins.
 * @param cells - What the cells hold before, as many as are programmed.
 * @returns `undefined` if there is no such bit.
 */
export function programWithoutErase(offset: number, cells: Uint8Array, bytes: Uint8Array): FlashViolation | undefined {
  let bad = 0;
  // A plain loop: every page of a delivery passes through here.
  while (bad < bytes.length && ((bytes[bad] ?? 0) & ~(cells[bad] ?? 0)) === 0) bad++;
  if (bad === bytes.length) return undefined;
  const detail = `program of ${formatHex(bytes[bad] ?? 0)} at ${formatHex(offset + bad)} over ${formatHex(cells[bad] ?? 0)} needs an erase first`;
  return { kind: "program-without-erase", offset: offset + bad, detail };
}
