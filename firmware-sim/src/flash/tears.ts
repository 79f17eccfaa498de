import type { Random } from "../random/random.ts";

/** Content of the cells after a torn operation. */
export interface TornCells {
  /** The cells as they read now. */
  readonly cells: Uint8Array;
  /** Bits (1 = weak) that read as in `cells` for a while and flip later. Without it no cell is weak. */
  readonly weak?: Uint8Array;
}

/** A kind of interrupted operation. */
export interface Tear {
  /** Stable name. Together with the seed it reproduces a tear exactly. */
  readonly name: string;
  /**
   * Returns the cells that the interruption leaves.
   *
   * @param before - Cells before the operation: a whole sector for an erase, the programmed part of one page for a program.
   * @param done - The same cells after a complete operation.
   */
  apply(before: Uint8Array, done: Uint8Array, random: Random): TornCells;
}

/**
 * The ten results of an interrupted sector erase.
 *
 * Many parts program a sector to zero before they erase it to ones, some starting at its end (Linux UBI, "fix NOR flash
 * recovery"). Cell by cell any mix of old, zero and one is possible, and cells may read correctly now and wrong later.
 */
export const ERASE_TEARS: readonly Tear[] = [
  { name: "untouched", apply: (before) => ({ cells: before }) },
  { name: "zeroed-quarter", apply: (before) => zeroedFromEnd(before, 1 / 4) },
  { name: "zeroed-half", apply: (before) => zeroedFromEnd(before, 1 / 2) },
  { name: "zeroed-three-quarters", apply: (before) => zeroedFromEnd(before, 3 / 4) },
  { name: "all-zero", apply: (before) => ({ cells: new Uint8Array(before.length) }) },
  { name: "mix-10", apply: (before, _done, random) => mixed(before, 0.1, random) },
  { name: "mix-50", apply: (before, _done, random) => mixed(before, 0.5, random) },
  { name: "mix-90", apply: (before, _done, random) => mixed(before, 0.9, random) },
  {
    name: "blank-but-weak",
    apply: (_before, done, random) => ({ cells: done, weak: maskOf(done.length, 1 / 64, random) }),
  },
  { name: "done", apply: (_before, done) => ({ cells: done }) },
];

/**
 * The twelve results of an interrupted page program. Only bits that change from 1 to 0 are uncertain. No data sheet
 * promises their order, so subsets count as much as prefixes.
 */
export const PROGRAM_TEARS: readonly Tear[] = [
  { name: "untouched", apply: (before) => ({ cells: before }) },
  { name: "prefix-1", apply: (before, done) => prefix(before, done, 1) },
  { name: "prefix-16", apply: (before, done) => prefix(before, done, 16) },
  { name: "prefix-half", apply: (before, done) => prefix(before, done, done.length >>> 1) },
  { name: "prefix-all-but-last", apply: (before, done) => prefix(before, done, done.length - 1) },
  { name: "suffix-half", apply: (before, done) => prefix(done, before, done.length >>> 1) },
  { name: "subset-10", apply: (before, done, random) => subset(before, done, 0.1, random) },
  { name: "subset-50", apply: (before, done, random) => subset(before, done, 0.5, random) },
  { name: "subset-90", apply: (before, done, random) => subset(before, done, 0.9, random) },
  { name: "all-but-one-bit", apply: allButOneBit },
  { name: "done-but-weak", apply: doneButWeak },
  { name: "done", apply: (_before, done) => ({ cells: done }) },
];

/** Names of the ten results of an interrupted sector erase, in the order of {@link ERASE_TEARS}. */
export const eraseCutVariants: readonly string[] = ERASE_TEARS.map(({ name }) => name);

/** Names of the twelve results of an interrupted page program, in the order of {@link PROGRAM_TEARS}. */
export const programCutVariants: readonly string[] = PROGRAM_TEARS.map(({ name }) => name);

const SKIPS_FIRST = /^skips-first-([1-9]\d{0,2})$/;
const FREED = /^freed-([1-9]\d?)$/;

/**
 * Returns the tear that a name of these families denotes:
 *
 * - `skips-first-N`, of a program: complete except for its first N bytes.
 * - `freed-P`, of an erase: P percent of the cells are 1, the others are unchanged.
 *
 * No seed picks these tears: they are for tests of cases that a seed would rarely hit.
 *
 * @param kind - Operation that is torn.
 * @returns `undefined` for any other name.
 */
export function numberedTear(kind: "erase" | "program", name: string): Tear | undefined {
  const number = Number((kind === "erase" ? FREED : SKIPS_FIRST).exec(name)?.[1]);
  if (Number.isNaN(number)) return undefined;
  if (kind === "program") return { name, apply: (before, done) => prefix(done, before, number) };
  return {
    name,
    apply: (before, _done, random) => {
      const freed = maskOf(before.length, number / 100, random);
      return { cells: before.map((byte, index) => byte | (freed[index] ?? 0)) };
    },
  };
}

function zeroedFromEnd(before: Uint8Array, share: number): TornCells {
  return { cells: before.slice().fill(0, before.length - Math.floor(before.length * share)) };
}

/** Sets each cell to 1 with the given probability. Half of the other cells become 0, and half stay unchanged. */
function mixed(before: Uint8Array, probability: number, random: Random): TornCells {
  const freed = maskOf(before.length, probability, random);
  const old = maskOf(before.length, 0.5, random);
  return { cells: before.map((byte, index) => (freed[index] ?? 0) | (byte & (old[index] ?? 0))) };
}

function prefix(before: Uint8Array, done: Uint8Array, length: number): TornCells {
  const cells = before.slice();
  cells.set(done.subarray(0, length));
  return { cells };
}

function subset(before: Uint8Array, done: Uint8Array, probability: number, random: Random): TornCells {
  const reached = maskOf(before.length, probability, random);
  return { cells: before.map((byte, index) => byte & ((done[index] ?? 0) | ~(reached[index] ?? 0))) };
}

function allButOneBit(before: Uint8Array, done: Uint8Array, random: Random): TornCells {
  const transitions = transitionsOf(before, done);
  const cells = done.slice();
  const missed = transitions[transitions.length === 0 ? 0 : random.integer(0, transitions.length - 1)];
  if (missed !== undefined) cells[missed >>> 3] = (cells[missed >>> 3] ?? 0) | (1 << (missed & 7));
  return { cells };
}

/** Returns cells that all read as intended; half of the bits just cleared, and at least one, are weak. */
function doneButWeak(before: Uint8Array, done: Uint8Array, random: Random): TornCells {
  const transitions = transitionsOf(before, done);
  const weak = new Uint8Array(done.length);
  const certain = transitions.length === 0 ? -1 : random.integer(0, transitions.length - 1);
  for (const [position, bit] of transitions.entries()) {
    if (position === certain || random.bool(0.5)) weak[bit >>> 3] = (weak[bit >>> 3] ?? 0) | (1 << (bit & 7));
  }
  return { cells: done, weak };
}

/** Returns the numbers of the bits that go from 1 to 0. */
function transitionsOf(before: Uint8Array, done: Uint8Array): number[] {
  const bits: number[] = [];
  for (const [index, byte] of before.entries()) {
    const cleared = byte & ~(done[index] ?? 0);
    for (let bit = 0; bit < 8; bit++) if (((cleared >>> bit) & 1) === 1) bits.push(8 * index + bit);
  }
  return bits;
}

/** Returns bytes whose bits are 1 with the given probability, to within 1/256. */
function maskOf(length: number, probability: number, random: Random): Uint8Array {
  const threshold = Math.round(probability * 256);
  const mask = new Uint8Array(length);
  for (let index = 0; index < length; index++) {
    let byte = 0;
    for (let half = 0; half < 8; half += 4) {
      const draws = random.uint32();
      for (let bit = 0; bit < 4; bit++) if (((draws >>> (8 * bit)) & 0xff) < threshold) byte |= 1 << (half + bit);
    }
    mask[index] = byte;
  }
  return mask;
}
