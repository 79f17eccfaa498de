import { positiveInteger } from "@tinybms/cli-kit";

/** Reads how many points are asked for: `all`, or a number. */
export function allOrCount(text: string): "all" | number {
  return text === "all" ? "all" : positiveInteger(text);
}
