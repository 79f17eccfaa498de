import { type ColumnAlignment, printable, tableLines } from "@tinybms/cli-kit/output";

/** Name and value of a field. `null` omits it. */
export type Field = readonly [string, string | number | null];

const NAME_WIDTH = 16;

/** Formats fields, one per line, with aligned values. Omits those that are `null`. */
export function fieldLines(fields: readonly Field[]): string[] {
  return fields
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `  ${name.padEnd(NAME_WIDTH)}  ${printable(String(value))}`);
}

/** Largest number of rows of one kind to print. `--json` has all. */
export const ROWS_MAX = 1000;

/** Returns the line that stands for the rows beyond {@link ROWS_MAX}, if there are any. */
export function moreLines(count: number, noun: string): string[] {
  const more = count - ROWS_MAX;
  return more <= 0 ? [] : [`  … and ${more} more ${noun}${more === 1 ? "" : "s"}; --json has all`];
}

/** Formats a table that is indented by two columns. The parameters are those of {@link tableLines}. */
export function indentedTable(
  headings: readonly string[],
  alignments: readonly ColumnAlignment[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  return tableLines(headings, rows, { alignments }).map((line) => `  ${line}`);
}

/** Formats a size: in MiB or KiB if that is a whole number, otherwise in bytes. */
export function formatSize(bytes: number): string {
  if (bytes > 0 && bytes % 0x10_0000 === 0) return `${bytes / 0x10_0000} MiB`;
  if (bytes > 0 && bytes % 0x400 === 0) return `${bytes / 0x400} KiB`;
  return `${bytes} bytes`;
}
