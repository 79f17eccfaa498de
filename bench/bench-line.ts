/** One figure: the medians of both sides, and the median of the ratios within each round. */
export interface BenchLine {
  readonly name: string;
  readonly ours: number;
  /** What a user would do instead, or where there is nothing to do instead, what it may cost. */
  readonly plain: number;
  /** Of both; milliseconds without it. */
  readonly unit?: "ms" | "KiB";
  readonly ratio: number;
  /** What the ratio may be. */
  readonly limit: number;
}

/**
 * Measures two sides in turns, so that what the machine does meanwhile hits both.
 *
 * @param rounds - After one that only warms up.
 */
export async function compare(
  name: string,
  limit: number,
  rounds: number,
  sides: { readonly ours: () => Promise<number>; readonly plain: () => Promise<number> },
): Promise<BenchLine> {
  const pairs: { readonly ours: number; readonly plain: number }[] = [];
  for (let round = 0; round <= rounds; round++) {
    const pair = { ours: await sides.ours(), plain: await sides.plain() };
    if (round > 0) pairs.push(pair);
  }
  return {
    name,
    ours: median(pairs.map(({ ours }) => ours)),
    plain: median(pairs.map(({ plain }) => plain)),
    ratio: median(pairs.map(({ ours, plain }) => ours / plain)),
    limit,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
