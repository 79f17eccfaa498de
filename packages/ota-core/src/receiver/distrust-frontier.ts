import type { Bitmap } from "../bitmap.ts";

/**
 * Adds the chunks that a power cut may have damaged to the missing ones.
 *
 * A flash cell that was cut off in the middle of an operation can read correctly once and wrongly later. Chunks next to a
 * gap are therefore fetched again. If nothing is missing, chunk 0 is, because it was written last.
 */
export function distrustFrontier(missing: Bitmap): void {
  const gaps = missing.ranges();
  if (gaps.length === 0) missing.add(0);
  // Chunks arrive in ascending order and chunk 0 last: if it is missing, the last chunk may be the one cut off.
  if (missing.has(0)) missing.add(missing.size - 1);
  for (const [first, count] of gaps) {
    if (first > 0) missing.add(first - 1);
    if (first + count < missing.size) missing.add(first + count);
  }
}
