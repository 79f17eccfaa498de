/** Formats a number of bytes with three or four digits: `512 B`, `65.5 kB`, `1.3 MB`. Units are powers of 1 000. */
export function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${Math.round(bytes)} B`;
  return bytes < 999_950 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
