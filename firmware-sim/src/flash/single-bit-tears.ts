import type { Tear } from "./tears.ts";

const MISSED_BIT = /^all-but-bit-(0|[1-9]\d{0,4})$/;
const FREED_BIT = /^only-bit-(0|[1-9]\d{0,4})$/;

/**
 * Returns the tear that a name of this family denotes. Bits are numbered `8 * byte + bit` from the operation's start:
 *
 * - `all-but-bit-N`, of a program: complete, but bit N was not cleared.
 * - `only-bit-N`, of an erase: nothing has changed except that bit N reads 1.
 *
 * There are few enough to try every one on a record of 32 bytes, where a seed would hit the critical bit only by luck.
 *
 * @param kind - Operation that is torn.
 * @returns `undefined` for any other name.
 */
export function singleBitTear(kind: "erase" | "program", name: string): Tear | undefined {
  const digits = (kind === "erase" ? FREED_BIT : MISSED_BIT).exec(name)?.[1];
  if (digits === undefined) return undefined;
  const bit = Number(digits);
  const mask = 1 << (bit & 7);
  const torn = (before: Uint8Array, done: Uint8Array) => {
    const cells = (kind === "erase" ? before : done).slice();
    const held = cells[bit >>> 3] ?? 0;
    cells[bit >>> 3] = held | (mask & (before[bit >>> 3] ?? 0)) | (kind === "erase" ? mask : 0);
    return { cells };
  };
  return { name, apply: torn };
}

/**
 * Returns the names of the programs that miss a single bit, one for each bit to be cleared.
 *
 * @param bytes - Bytes programmed into erased cells, such as an otadata entry or an NVS record.
 */
export function missedBitVariants(bytes: Uint8Array): readonly string[] {
  return zeroBitsOf(bytes).map((bit) => `all-but-bit-${bit}`);
}

/**
 * Returns the names of the erases that have freed a single bit, one for each bit that is 0.
 *
 * @param bytes - Record at the start of the sector.
 */
export function freedBitVariants(bytes: Uint8Array): readonly string[] {
  return zeroBitsOf(bytes).map((bit) => `only-bit-${bit}`);
}

function zeroBitsOf(bytes: Uint8Array): number[] {
  const bits: number[] = [];
  for (const [index, byte] of bytes.entries()) {
    for (let bit = 0; bit < 8; bit++) if (((byte >>> bit) & 1) === 0) bits.push(8 * index + bit);
  }
  return bits;
}
