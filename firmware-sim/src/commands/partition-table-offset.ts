import { InvalidArgumentError } from "commander";

/** Parses the value of `--partition-table-offset`, which must be a multiple of the sector size. */
export function partitionTableOffset(text: string): number {
  const value = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value % 0x1000 === 0 && value < 0x1000_0000) return value;
  throw new InvalidArgumentError("It must be a multiple of 0x1000 above 0, such as 0x9000.");
}
