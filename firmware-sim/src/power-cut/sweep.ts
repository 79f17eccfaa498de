import { OtaError } from "@tinybms/ota-core";
import { copyHardware } from "../boot/boot-options.ts";
import { SECTOR_SIZE } from "../flash/sector-store.ts";
import { variantsOf } from "./cut.ts";
import { NO_DAMAGE } from "./cut-state.ts";
import { live } from "./life.ts";
import { formatPoint } from "./point-name.ts";
import { checkLife } from "./recovery.ts";
import { createScenario, type Scenario, type SweepRun } from "./scenario.ts";
import { countCuts } from "./select-cuts.ts";
import { runJob } from "./sweep-job.ts";
import type { SweepJob, SweepOptions } from "./sweep-options.ts";
import { addViolation, createTally, mergeTally, type SweepTally } from "./sweep-tally.ts";

/** Result of a sweep. */
export interface SweepResult extends SweepTally {
  /** Flash operations of the runs without a cut. */
  readonly operations: number;
}

/** A sweep divided into parts. */
export interface SweepPlan {
  readonly operations: number;
  /** Parts in the order in which their results are merged. */
  readonly jobs: readonly SweepJob[];
  /** Counts of the runs without a cut. */
  readonly tally: SweepTally;
}

/** Maximum number of parts of a run. Enough to keep threads busy, and no more: each part runs the scenario once more. */
const PARTS_MAX = 24;
const PARTS_MIN = 4;
/** Number of cuts that justify a part of their own. */
const CUTS_PER_PART = 500;

/** Both kinds of update. */
const RUNS: readonly SweepRun[] = ["update", "rollback"];

/**
 * Plans a sweep. Runs each scenario once without a cut, to count its operations and to check that it succeeds, and
 * divides the sweep into parts.
 *
 * @throws {@link OtaError} `simulation/update-refused` if the device rejects the image; others as {@link createScenario}.
 */
export function planSweep(options: SweepOptions): SweepPlan {
  const tally = createTally();
  const jobs: SweepJob[] = [];
  let operations = 0;
  for (const run of options.runs ?? RUNS) {
    const scenario = createScenario(options, run);
    const counts = countOperations(scenario, options, tally);
    operations += counts.length;
    jobs.push(...divide(run, counts, options.points));
    const whole = { run, from: 1, to: counts.length + 1, cutsBefore: 0, cutsTotal: counts.length };
    if ((options.pairs ?? 0) !== 0) jobs.push(...dividePairs(whole));
    if (run === "update" && options.wornSectors !== undefined) jobs.push(...divideWorn(scenario, options.wornSectors));
  }
  return { operations, jobs, tally };
}

/** Runs a whole sweep in this thread. Throws as {@link planSweep}. */
export function powerCutSweep(options: SweepOptions): SweepResult {
  const { operations, jobs, tally } = planSweep(options);
  const scenarios = new Map<SweepRun, Scenario>();
  for (const job of jobs) {
    const scenario = scenarios.get(job.run) ?? createScenario(options, job.run);
    scenarios.set(job.run, scenario);
    mergeTally(tally, runJob(scenario, options, job));
  }
  return { ...tally, operations };
}

/** Counts the candidate cuts of each operation of a run. */
function countOperations(scenario: Scenario, options: SweepOptions, tally: SweepTally): readonly number[] {
  const counts: number[] = [];
  const life = live(scenario, copyHardware(scenario.hardware), {
    seed: scenario.seed,
    onOperation: (operation, { device }) => {
      const variants = variantsOf(scenario, device.hardware.flash, operation);
      counts.push(countCuts(options, counts.length + 1, variants));
    },
  });
  const { state = "off", report } = life.device;
  if (state === "rejected") {
    const { code, message } = report?.error ?? { code: "", message: "the reason is unknown" };
    throw new OtaError("simulation/update-refused", `the device rejects the image: ${message}`, { state: code });
  }
  for (const breach of checkLife(scenario, { ...NO_DAMAGE, attemptsCut: 0 }, life)) {
    addViolation(tally, {
      ...breach,
      point: formatPoint({ kind: "cuts", run: scenario.run, cuts: [] }),
      variant: "",
      seed: scenario.seed,
    });
  }
  return counts;
}

/** Divides a run into parts with about the same number of cuts. */
function divide(run: SweepRun, counts: readonly number[], points: number | undefined): SweepJob[] {
  const cutsTotal = counts.reduce((sum, count) => sum + count, 0);
  const wanted = Math.ceil(Math.min(points ?? cutsTotal, cutsTotal) / CUTS_PER_PART);
  const parts = Math.min(Math.max(wanted, PARTS_MIN), PARTS_MAX);
  const jobs: SweepJob[] = [];
  let [from, cutsBefore, cuts] = [1, 0, 0];
  for (const [index, count] of counts.entries()) {
    cuts += count;
    if (cuts < cutsTotal / parts && index + 1 < counts.length) continue;
    if (cuts > 0) jobs.push({ kind: "cuts", run, from, to: index + 2, cutsBefore, cutsTotal });
    [from, cutsBefore, cuts] = [index + 2, cutsBefore + cuts, 0];
  }
  return jobs;
}

function dividePairs(whole: Omit<SweepJob, "kind">): SweepJob[] {
  const size = Math.max(1, Math.ceil((whole.to - whole.from) / PARTS_MAX));
  const jobs: SweepJob[] = [];
  for (let from = whole.from; from < whole.to; from += size) {
    jobs.push({ ...whole, kind: "pairs", from, to: Math.min(from + size, whole.to) });
  }
  return jobs;
}

/** Spreads sectors evenly over the image, including the first and the last; a single one is in the middle. */
function divideWorn({ image, run }: Scenario, count: number): SweepJob[] {
  const sectors = Math.ceil(image.length / SECTOR_SIZE);
  const wanted = Math.min(count, sectors);
  return Array.from({ length: wanted }, (_, index) => {
    const sector = wanted === 1 ? Math.floor(sectors / 2) : Math.round((index * (sectors - 1)) / (wanted - 1));
    return { kind: "worn", run, from: sector, to: sector + 1, cutsBefore: 0, cutsTotal: 0 };
  });
}
