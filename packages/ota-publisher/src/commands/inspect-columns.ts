import { type ColumnAlignment, printable, tableLines } from "@tinybms/cli-kit/output";

/** One fact: its name and what it is. */
export type Field = readonly [string, string | number | null];

const NAME_WIDTH = 16;

/** Facts, one a line, their values in one column; those that are `null` are left out. */
export function fieldLines(fields: readonly Field[]): string[] {
  return fields
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `  ${name.padEnd(NAME_WIDTH)}  ${printable(String(value))}`);
}

/** Rows of one kind that people are shown; `--json` has all. */
export const ROWS_MAX = 1000;

/** What is said in the place of rows beyond {@link ROWS_MAX}. */
export function moreLines(count: number, noun: string): string[] {
  const more = count - ROWS_MAX;
  return more <= 0 ? [] : [`  … and ${more} more ${noun}${more === 1 ? "" : "s"}; --json has all`];
}

/** Formats a table that stands two columns to the right. Parameters as of {@link tableLines}. */
export function indentedTable(
  headings: readonly string[],
  alignments: readonly ColumnAlignment[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  return tableLines(headings, rows, { alignments }).map((line) => `  ${line}`);
}

/** A size: bytes, and KiB or MiB where they are whole. */
export function formatSize(bytes: number): string {
  if (bytes > 0 && bytes % 0x10_0000 === 0) return `${bytes / 0x10_0000} MiB`;
  if (bytes > 0 && bytes % 0x400 === 0) return `${bytes / 0x400} KiB`;
  return `${bytes} bytes`;
}
