import { positiveInteger } from "@tinybms/cli-kit";

/** Parses a number of points: `all` or a positive integer. */
export function allOrCount(text: string): "all" | number {
  return text === "all" ? "all" : positiveInteger(text);
}
