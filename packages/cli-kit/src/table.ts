import { printable } from "./command-output.ts";

/** Alignment of a column's cells. */
export type ColumnAlignment = "left" | "right";

/** Options of {@link tableLines}. */
export interface TableOptions {
  /** Alignment of each column. @defaultValue `left` */
  readonly alignments?: readonly ColumnAlignment[] | undefined;
  /** Styles a padded cell. `row` is 0 for the first row and -1 for the headings. */
  readonly paint?: ((cell: string, row: number, column: number) => string) | undefined;
}

/**
 * Formats a table: a line of headings, then one line per row. Every column is as wide as its widest cell.
 *
 * @param rows - Rows with one cell per heading. Control sequences of terminals are removed.
 * @returns The lines, without spaces at their ends.
 */
export function tableLines(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  { alignments = [], paint = (cell) => cell }: TableOptions = {},
): readonly string[] {
  const all = [headings, ...rows].map((row) => row.map((cell) => printable(cell)));
  // Not Math.max(...widths): a table may have more rows than a call may have arguments.
  const widths = headings.map((_, column) => all.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0));
  return all.map((row, index) => {
    const last = row.findLastIndex((cell) => cell !== "");
    const cells = row.slice(0, last + 1).map((cell, column) => {
      const width = widths[column] ?? 0;
      if (alignments[column] === "right") return paint(cell.padStart(width), index - 1, column);
      return paint(column === last ? cell : cell.padEnd(width), index - 1, column);
    });
    return cells.join("  ");
  });
}
