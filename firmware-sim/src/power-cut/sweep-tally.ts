import type { CutPhase } from "./cut.ts";
import type { StartOutcome } from "./first-starts.ts";
import type { SweepViolation } from "./invariant.ts";
import type { Recovery } from "./recovery.ts";

/** Violations kept; the count goes on. */
const VIOLATIONS_MAX = 100;

/** What was seen in a sweep, or a part of one. Plain data. */
export interface SweepTally {
  /** Cuts made: a pair counts as one, its first cut having been made before. */
  points: number;
  /** Pairs among them. */
  pairs: number;
  /** Points followed to the end of the update. */
  recovered: number;
  /** Updates on a flash with a worn sector. */
  worn: number;
  /** What started first after the cuts. */
  readonly outcomes: Record<"old" | "new" | "unprotectedBoot", number>;
  /** How those ended that were followed. */
  readonly ends: Record<"confirmed" | "rolledBack" | "failed", number>;
  /** Points by what the cut left, and by when it came. */
  readonly variants: Record<string, number>;
  readonly phases: Record<CutPhase, number>;
  /** Boots without protection, by the cut that led there. */
  readonly unprotectedBoots: Record<string, number>;
  /** Starts at which NVS wrote over a torn entry: a limit of ESP-IDF. */
  nvsOverwrites: number;
  /** Points after which an invariant did not hold, because a page of NVS gave way later: a limit of ESP-IDF. */
  lostRecords: number;
  /** The most chunks that a device fetched twice after one cut. */
  refetchedMax: number;
  violationCount: number;
  /** The first hundred. */
  readonly violations: SweepViolation[];
}

/** Nothing seen yet. */
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

/** Adds one to a count by name. */
export function countUp(counts: Record<string, number>, name: string, by: number = 1): void {
  counts[name] = (counts[name] ?? 0) + by;
}

/** Counts what started first. */
export function countOutcome(tally: SweepTally, outcome: StartOutcome | undefined, variant: string): void {
  if (outcome === undefined) return;
  if (outcome === "unprotected-boot") countUp(tally.unprotectedBoots, variant);
  tally.outcomes[outcome === "unprotected-boot" ? "unprotectedBoot" : outcome]++;
}

/** Counts how a recovery ended. */
export function countEnd(tally: SweepTally, { end, refetched }: Recovery): void {
  tally.recovered++;
  tally.refetchedMax = Math.max(tally.refetchedMax, refetched);
  if (end !== undefined) tally.ends[end === "rolled-back" ? "rolledBack" : end]++;
}

/** Counts a violation, and keeps it if there is room. */
export function addViolation(tally: SweepTally, violation: SweepViolation): void {
  tally.violationCount++;
  if (tally.violations.length < VIOLATIONS_MAX) tally.violations.push(violation);
}

/** Adds what was seen in one part to another. */
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
