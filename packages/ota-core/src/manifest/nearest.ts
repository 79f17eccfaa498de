/**
 * Returns the candidate with the smallest edit distance to a text, if at most a third of its characters differ.
 *
 * @returns The candidate, or `undefined` if no candidate is near enough.
 */
export function nearestOf(text: string, candidates: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let best = Math.max(1, Math.floor(text.length / 3)) + 1;
  for (const candidate of candidates) {
    // Versions are short; skip the slow comparison of hostile long ones.
    if (candidate.length > LENGTH_MAX || text.length > LENGTH_MAX) continue;
    const distance = editDistance(text, candidate);
    if (distance >= best) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}

const LENGTH_MAX = 64;

/** Computes the Levenshtein distance: insertions, deletions and replacements of one character each. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line++) {
    const next = [line];
    for (let column = 1; column <= to.length; column++) {
      const replaced = at(row, column - 1) + (from[line - 1] === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, at(row, column) + 1, at(next, column - 1) + 1));
    }
    row = next;
  }
  return at(row, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
