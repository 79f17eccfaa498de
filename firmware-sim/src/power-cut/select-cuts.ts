import { createRandom } from "../simulation/random.ts";
import { type Cut, seedOf } from "./cut.ts";
import type { SweepOptions } from "./sweep-options.ts";

/** A cut that a sweep makes. */
export interface SelectedCut extends Cut {
  /** It is followed to the end of the update. */
  readonly isRecovered: boolean;
}

/** How many of an operation's variants come into question before `points` thins them out. */
export function countCuts(options: SweepOptions, operation: number, variantCount: number): number {
  if (operation % (options.every ?? 1) !== 0) return 0;
  return options.variants === "one" ? 1 : variantCount;
}

/**
 * The cuts to make in one operation.
 *
 * @param operation - Its number in the run.
 * @param variants - Everything that a cut in it can leave.
 * @param before - How many cuts come into question in the operations before, and `total` in all.
 */
export function selectCuts(
  options: SweepOptions,
  operation: number,
  variants: readonly string[],
  { before, total }: { readonly before: number; readonly total: number },
): readonly SelectedCut[] {
  if (countCuts(options, operation, variants.length) === 0) return [];
  const { seed, points = total, recoverEvery = 10 } = options;
  const selected: SelectedCut[] = [];
  const candidates = options.variants === "one" ? [variantBySeed(seed, operation, variants)] : variants.keys();
  let ordinal = before;
  for (const index of candidates) {
    // How many of the cuts up to here are made: one more after each that is.
    const made = Math.floor((ordinal * Math.min(points, total)) / total);
    ordinal++;
    if (Math.floor((ordinal * Math.min(points, total)) / total) === made) continue;
    const isRecovered = made % recoverEvery === 0;
    selected.push({ operation, variant: variants[index] ?? "done", seed: seedOf(seed, operation, index), isRecovered });
  }
  return selected;
}

/** The position of one variant that the seed picks for an operation. */
export function variantBySeed(seed: number, operation: number, variants: readonly string[]): number {
  return createRandom(seedOf(seed, operation, 255)).integer(0, variants.length - 1);
}
