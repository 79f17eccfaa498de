import { createRandom } from "../random/random.ts";
import { type Cut, isWeak, seedOf } from "./cut.ts";
import type { SweepOptions } from "./sweep-options.ts";

/** A cut that a sweep makes. */
export interface SelectedCut extends Cut {
  /** Whether the recovery is followed to the end of the update. */
  readonly isRecovered: boolean;
}

/** Counts an operation's variants that are candidates before `points` thins them out. */
export function countCuts(options: SweepOptions, operation: number, variants: readonly string[]): number {
  return candidatesOf(options, operation, variants).length;
}

/** Returns the indexes of the candidate variants. */
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
 * Selects the cuts to make in one operation.
 *
 * @param operation - Number of the operation in the run.
 * @param variants - Names of all tears that a cut in it can cause.
 * @param before - Number of candidates in earlier operations, and `total` in the whole run.
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
    // Each made cut increases this quotient by one, which spreads the cuts evenly.
    const made = Math.floor((ordinal * Math.min(points, total)) / total);
    ordinal++;
    if (Math.floor((ordinal * Math.min(points, total)) / total) === made) continue;
    const isRecovered = made % recoverEvery === 0;
    selected.push({ operation, variant: variants[index] ?? "done", seed: seedOf(seed, operation, index), isRecovered });
  }
  return selected;
}

/** Returns the index of the variant that the seed picks for an operation. */
export function variantBySeed(seed: number, operation: number, variants: readonly string[]): number {
  return createRandom(seedOf(seed, operation, 255)).integer(0, variants.length - 1);
}
