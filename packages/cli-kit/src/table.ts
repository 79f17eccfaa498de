import { printable } from "./command-output.ts";

/** Alignment of a column's cells. */
export type ColumnAlignment = "left" | "right";

/** Options of {@link tableLines}. */
export interface TableOptions {
  /** For each column; "left" if absent. */
  readonly alignments?: readonly ColumnAlignment[] | undefined;
  /** Styles a cell after it was padded: `row` counts from 0, the headings are row -1. */
  readonly paint?: ((cell: string, row: number, column: number) => string) | undefined;
}

/**
 * Formats a table: a line of headings, then one line a row. Every column is as wide as its widest cell.
 *
 * @param rows - As many cells each as there are headings. Control sequences of terminals are removed.
 * @returns The lines, without spaces at their ends.
 */
export function tableLines(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  { alignments = [], paint = (cell) => cell }: TableOptions = {},
): readonly string[] {
  const all = [headings, ...rows].map((row) => row.map((cell) => printable(cell)));
  // No spread: a table may have more rows than a call has arguments.
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
