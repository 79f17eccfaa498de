import { OtaError } from "@tinybms/ota-core";
import type { Cut } from "./cut.ts";
import type { SweepRun } from "./scenario.ts";

/** A test case of a sweep: cuts, each in the recovery from the one before (or no cut), or a worn sector. */
export type SweepPoint =
  | { readonly kind: "cuts"; readonly run: SweepRun; readonly cuts: readonly Cut[] }
  | { readonly kind: "worn"; readonly run: SweepRun; readonly sector: number; readonly fault: WornFault };

/** Kinds of wear of a sector. */
export const WORN_FAULTS = [
  "erase-fails",
  "erase-ignored",
  "program-fails",
  "program-ignored",
  "program-fades",
] as const;

/** A kind of wear of a sector. */
export type WornFault = (typeof WORN_FAULTS)[number];

const RUNS: readonly string[] = ["update", "rollback"] satisfies readonly SweepRun[];

/**
 * Formats a point as text that can be entered again: `update:1234:mix-50:77`, with a second cut
 * `update:1234:mix-50:77+12:done:5`, for a worn sector `update:worn:3:program-fades`, and without a cut `update:uncut`.
 */
export function formatPoint(point: SweepPoint): string {
  if (point.kind === "worn") return `${point.run}:worn:${point.sector}:${point.fault}`;
  if (point.cuts.length === 0) return `${point.run}:uncut`;
  return `${point.run}:${point.cuts.map(({ operation, variant, seed }) => `${operation}:${variant}:${seed}`).join("+")}`;
}

/**
 * Parses the text of {@link formatPoint}.
 *
 * @throws {@link OtaError} `simulation/invalid-fault` for any other text.
 */
export function parsePoint(text: string): SweepPoint {
  const [run = "", ...rest] = text.split(":");
  if (RUNS.includes(run)) {
    if (text === `${run}:uncut`) return { kind: "cuts", run: run as SweepRun, cuts: [] };
    const worn = /^worn:(\d{1,6}):([a-z-]+)$/.exec(rest.join(":"));
    const fault = WORN_FAULTS.find((name) => name === worn?.[2]);
    if (worn !== null && fault !== undefined) {
      return { kind: "worn", run: run as SweepRun, sector: Number(worn[1]), fault };
    }
    const cuts = rest.join(":").split("+").map(parseCut);
    if (cuts.every((cut) => cut !== undefined)) return { kind: "cuts", run: run as SweepRun, cuts };
  }
  const form = "RUN:OPERATION:VARIANT:SEED, as in a report, with RUN update or rollback";
  throw new OtaError(
    "simulation/invalid-fault",
    `${JSON.stringify(text)} is not a point of a sweep; it must be ${form}`,
    {
      fault: text,
    },
  );
}

function parseCut(text: string): Cut | undefined {
  const match = /^([1-9]\d{0,8}):([a-z0-9-]+):(\d{1,10})$/.exec(text);
  if (match === null) return undefined;
  return { operation: Number(match[1]), variant: match[2] ?? "", seed: Number(match[3]) };
}
