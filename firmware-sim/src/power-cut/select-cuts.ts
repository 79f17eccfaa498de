import { createRandom } from "../random/random.ts";
import { type Cut, isWeak, seedOf } from "./cut.ts";
import type { SweepOptions } from "./sweep-options.ts";

/** A cut that a sweep makes. */
export interface SelectedCut extends Cut {
  /** It is followed to the end of the update. */
  readonly isRecovered: boolean;
}

/** How many of an operation's variants come into question before `points` thins them out. */
export function countCuts(options: SweepOptions, operation: number, variants: readonly string[]): number {
  return candidatesOf(options, operation, variants).length;
}

/** Positions of the variants that come into question. */
function candidatesOf(
  { seed, every = 1, variants: which = "all" }: SweepOptions,
  operation: number,
  variants: readonly string[],
): readonly number[] {
  if (operation % every !== 0) return [];
  if (which === "one") return [variantBySeed(seed, operation, variants)];
  return variants.flatMap((variant, index) => (which === "all" || isWeak(variant) ? [index] : []));
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
  const { seed, points = total, recoverEvery = 10 } = options;
  const selected: SelectedCut[] = [];
  let ordinal = before;
  for (const index of candidatesOf(options, operation, variants)) {
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
