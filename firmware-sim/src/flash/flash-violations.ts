import { formatHex } from "@tinybms/ota-core";

/** Maximum number of violations kept, the first ones. All are counted. */
const VIOLATIONS_MAX = 1_000;

/** A violation of the rules of NOR flash by the software under test. */
export interface FlashViolation {
  /**
   * - `program-without-erase`: a program that would set a bit from 0 to 1. As on the chip, the bit stays 0.
   * - `out-of-bounds`: an access across the end. Refused.
   * - `erase-unaligned`: an erase that begins or ends inside a sector. Refused.
   * - `program-unaligned`: with flash encryption, a program that is not of whole 16-byte blocks. Refused.
   */
  readonly kind: "program-without-erase" | "out-of-bounds" | "erase-unaligned" | "program-unaligned";
  /** Byte offset in the flash: of the first byte with such a bit, or of the refused access. */
  readonly offset: number;
  /** Description in one sentence. */
  readonly detail: string;
}

/** Collects violations. */
export class FlashViolations {
  readonly #kept: FlashViolation[] = [];
  #count = 0;

  /** The first thousand violations, in order. */
  get kept(): readonly FlashViolation[] {
    return this.#kept;
  }

  /** Number of all violations. */
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

/** Describes an access that crosses the end of a flash. Offset, length and size are in bytes. */
export function outOfBounds(
  access: "read" | "program" | "erase",
  offset: number,
  length: number,
  sizeBytes: number,
): FlashViolation {
  const detail = `${access} of ${length} bytes at ${formatHex(offset)}; the flash ends at ${formatHex(sizeBytes)}`;
  return { kind: "out-of-bounds", offset, detail };
}

/** Describes an erase that is not of whole sectors. */
export function eraseUnaligned(offset: number, length: number): FlashViolation {
  const detail = `erase of ${length} bytes at ${formatHex(offset)} is not of whole 4096-byte sectors`;
  return { kind: "erase-unaligned", offset, detail };
}

/** Describes a program of encrypted flash that is not of whole blocks. */
export function programUnaligned(offset: number, length: number): FlashViolation {
  const detail = `program of ${length} bytes at ${formatHex(offset)} is not of whole 16-byte blocks, as flash encryption requires`;
  return { kind: "program-unaligned", offset, detail };
}

/**
 * Finds the first bit that a program would set from 0 to 1.
 *
 * @param offset - Where in the flash the program begins, in bytes.
 * @param cells - The cells before the program, as many as are programmed.
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
