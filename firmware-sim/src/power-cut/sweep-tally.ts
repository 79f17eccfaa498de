import type { CutPhase } from "./cut.ts";
import type { StartOutcome } from "./first-starts.ts";
import type { SweepViolation } from "./invariant.ts";
import type { Recovery } from "./recovery.ts";

/** Maximum number of violations kept. All are counted. */
const VIOLATIONS_MAX = 100;

/** Counts of a sweep, or of a part of one, as plain data. */
export interface SweepTally {
  /** Cuts made. A pair counts as one, because its first cut is also made alone. */
  points: number;
  /** Number of pairs among them. */
  pairs: number;
  /** Points followed to the end of the update. */
  recovered: number;
  /** Updates on a flash with a worn sector. */
  worn: number;
  /** First starts after the cuts, by image. */
  readonly outcomes: Record<"old" | "new" | "unprotectedBoot", number>;
  /** Results of the points that were followed to the end. */
  readonly ends: Record<"confirmed" | "rolledBack" | "failed", number>;
  /** Points by variant, and by phase of the update. */
  readonly variants: Record<string, number>;
  readonly phases: Record<CutPhase, number>;
  /** Starts without protection, by the variant that caused them. */
  readonly unprotectedBoots: Record<string, number>;
  /** Starts at which NVS overwrote a torn entry: a limit of ESP-IDF. */
  nvsOverwrites: number;
  /** Points after which an invariant did not hold because a page of NVS was lost: a limit of ESP-IDF. */
  lostRecords: number;
  /** Maximum number of chunks that a device fetched twice after one cut. */
  refetchedMax: number;
  violationCount: number;
  /** The first hundred violations. */
  readonly violations: SweepViolation[];
}

/** Returns an empty tally. */
export function createTally(): SweepTally {
  return {
    points: 0,
    pairs: 0,
    recovered: 0,
    worn: 0,
    outcomes: { old: 0, new: 0, unprotectedBoot: 0 },
    ends: { confirmed: 0, rolledBack: 0, failed: 0 },
    variants: {},
    phases: { update: 0, boot: 0, probation: 0, rollback: 0 },
    unprotectedBoots: {},
    nvsOverwrites: 0,
    lostRecords: 0,
    refetchedMax: 0,
    violationCount: 0,
    violations: [],
  };
}

/** Increases a count by name. */
export function countUp(counts: Record<string, number>, name: string, by: number = 1): void {
  counts[name] = (counts[name] ?? 0) + by;
}

/** Counts the outcome of a first start. */
export function countOutcome(tally: SweepTally, outcome: StartOutcome | undefined, variant: string): void {
  if (outcome === undefined) return;
  if (outcome === "unprotected-boot") countUp(tally.unprotectedBoots, variant);
  tally.outcomes[outcome === "unprotected-boot" ? "unprotectedBoot" : outcome]++;
}

/** Counts the end of a recovery. */
export function countEnd(tally: SweepTally, { end, refetched }: Recovery): void {
  tally.recovered++;
  tally.refetchedMax = Math.max(tally.refetchedMax, refetched);
  if (end !== undefined) tally.ends[end === "rolled-back" ? "rolledBack" : end]++;
}

/** Counts a violation, and keeps it among the first hundred. */
export function addViolation(tally: SweepTally, violation: SweepViolation): void {
  tally.violationCount++;
  if (tally.violations.length < VIOLATIONS_MAX) tally.violations.push(violation);
}

/** Adds the counts of one part to a tally. */
export function mergeTally(into: SweepTally, part: SweepTally): void {
  into.points += part.points;
  into.pairs += part.pairs;
  into.recovered += part.recovered;
  into.worn += part.worn;
  into.nvsOverwrites += part.nvsOverwrites;
  into.lostRecords += part.lostRecords;
  into.refetchedMax = Math.max(into.refetchedMax, part.refetchedMax);
  into.violationCount += part.violationCount;
  for (const group of ["outcomes", "ends", "variants", "phases", "unprotectedBoots"] as const) {
    for (const [name, count] of Object.entries(part[group])) countUp(into[group], name, count);
  }
  into.violations.push(...part.violations.slice(0, VIOLATIONS_MAX - into.violations.length));
}
