import { copyHardware } from "../boot/boot-options.ts";
import type { WatchedOperation } from "../flash/nor-flash.ts";
import { type Cut, phaseOf, seedOf, variantKind, variantsOf } from "./cut.ts";
import { AcceptedFloor, type CutState, cutOff, NO_DAMAGE } from "./cut-state.ts";
import { firstStarts } from "./first-starts.ts";
import type { Breach } from "./invariant.ts";
import { type LifeProgress, live } from "./life.ts";
import { formatPoint, type SweepPoint, WORN_FAULTS } from "./point-name.ts";
import { isInAttempt, type Past, recover } from "./recovery.ts";
import type { Scenario } from "./scenario.ts";
import { countCuts, selectCuts, variantBySeed } from "./select-cuts.ts";
import type { SweepJob, SweepOptions } from "./sweep-options.ts";
import { addViolation, countEnd, countOutcome, countUp, createTally, type SweepTally } from "./sweep-tally.ts";
import { checkWorn, liveWorn } from "./worn-sector.ts";

/** Runs one part of a sweep. The result does not depend on the thread. */
export function runJob(scenario: Scenario, options: SweepOptions, job: SweepJob): SweepTally {
  const tally = createTally();
  if (job.kind === "worn") sweepWornSectors(scenario, job, tally);
  else if (job.kind === "cuts") sweepCuts(scenario, options, job, tally);
  else sweepPairs(scenario, options, job, tally);
  return tally;
}

/** Runs the scenario once, and cuts the power of copies of the device at each operation of the job. */
function sweepCuts(scenario: Scenario, options: SweepOptions, job: SweepJob, tally: SweepTally): void {
  let before = job.cutsBefore;
  eachOperation(scenario, job, ({ operation, number, progress, floor }) => {
    const { device, starts } = progress;
    const variants = variantsOf(scenario, device.hardware.flash, operation);
    const cuts = selectCuts(options, number, variants, { before, total: job.cutsTotal });
    before += countCuts(options, number, variants);
    if (cuts.length === 0) return;
    const known = { floor: floor.of(device), ...NO_DAMAGE };
    const past = { starts, attemptsCut: isInAttempt(device) ? 1 : 0, chunksWritten: device.totals.chunksUseful };
    for (const cut of cuts) {
      tally.phases[phaseOf(device)]++;
      const breaches = bootAfterCut(
        scenario,
        cutOff(scenario, device, operation, cut, known),
        past,
        cut.isRecovered,
        tally,
      );
      report(tally, { kind: "cuts", run: scenario.run, cuts: [cut] }, breaches);
    }
  });
}

/** Cuts the power at operations of the job, and cuts it again during each recovery. */
function sweepPairs(scenario: Scenario, options: SweepOptions, job: SweepJob, tally: SweepTally): void {
  const { seed, pairs = 0, recoverEvery = 10 } = options;
  const [firstEvery, secondEvery] = pairs === "all" ? [1, 1] : pairStrides(job.cutsTotal, pairs);
  eachOperation(scenario, job, ({ operation, number, progress, floor }) => {
    if (number % firstEvery !== 0) return;
    const first = pickCut(scenario, seed, number, operation, progress);
    const known = { floor: floor.of(progress.device), ...NO_DAMAGE };
    const { hardware, otadata, nvs } = cutOff(scenario, progress.device, operation, first, known);
    const attemptsCut = isInAttempt(progress.device) ? 1 : 0;
    const floorAgain = new AcceptedFloor(scenario);
    let numberAgain = 0;
    const onOperation = (again: WatchedOperation, { device, starts }: LifeProgress) => {
      numberAgain++;
      floorAgain.onOperation(again);
      if ((numberAgain + number) % secondEvery !== 0) return;
      const second = pickCut(scenario, seed + number, numberAgain, again, { device, starts });
      tally.pairs++;
      tally.phases[phaseOf(device)]++;
      const cutState = cutOff(scenario, device, again, second, { floor: floorAgain.of(device), otadata, nvs });
      const isRecovered = tally.pairs % recoverEvery === 0;
      const past = { starts, attemptsCut: attemptsCut + (isInAttempt(device) ? 1 : 0), chunksWritten: undefined };
      const breaches = bootAfterCut(scenario, cutState, past, isRecovered, tally);
      report(tally, { kind: "cuts", run: scenario.run, cuts: [first, second] }, breaches);
    };
    live(scenario, copyHardware(hardware), { seed: first.seed, startsBefore: progress.starts, onOperation });
  });
}

function sweepWornSectors(scenario: Scenario, job: SweepJob, tally: SweepTally): void {
  for (let sector = job.from; sector < job.to; sector++) {
    for (const fault of WORN_FAULTS) {
      tally.worn++;
      const breaches = checkWorn(scenario, liveWorn(scenario, sector, fault));
      report(tally, { kind: "worn", run: scenario.run, sector, fault }, breaches);
    }
  }
}

/** Boots a device after its cut; follows it to the end if it is selected, or if otadata can't protect it. */
function bootAfterCut(
  scenario: Scenario,
  cutState: CutState,
  past: Past,
  isRecovered: boolean,
  tally: SweepTally,
): Breach[] {
  const { outcome, breaches, nvsOverwritten } = firstStarts(scenario, cutState);
  const kind = variantKind(cutState.variant);
  tally.points++;
  countUp(tally.variants, kind);
  countOutcome(tally, outcome, kind);
  if (nvsOverwritten) tally.nvsOverwrites++;
  if (!isRecovered && outcome !== "unprotected-boot") return [...breaches];
  const recovery = recover(scenario, cutState, past);
  countEnd(tally, recovery);
  return [...breaches, ...recovery.breaches];
}

interface OperationAt {
  readonly operation: WatchedOperation;
  /** Number in the run, from 1. */
  readonly number: number;
  readonly progress: LifeProgress;
  readonly floor: AcceptedFloor;
}

/** Runs the scenario without a cut, and visits the operations of a job. */
function eachOperation(scenario: Scenario, job: SweepJob, visit: (at: OperationAt) => void): void {
  const floor = new AcceptedFloor(scenario);
  let number = 0;
  const onOperation = (operation: WatchedOperation, progress: LifeProgress) => {
    number++;
    floor.onOperation(operation);
    if (number >= job.from && number < job.to) visit({ operation, number, progress, floor });
  };
  live(scenario, copyHardware(scenario.hardware), { seed: scenario.seed, onOperation });
}

function pickCut(
  scenario: Scenario,
  seed: number,
  number: number,
  operation: WatchedOperation,
  { device }: LifeProgress,
): Cut {
  const variants = variantsOf(scenario, device.hardware.flash, operation);
  const index = variantBySeed(seed, number, variants);
  return { operation: number, variant: variants[index] ?? "done", seed: seedOf(seed, number, index) };
}

function report(tally: SweepTally, point: SweepPoint, breaches: readonly Breach[]): void {
  const last = point.kind === "cuts" ? point.cuts.at(-1) : undefined;
  const variant = point.kind === "worn" ? point.fault : (last?.variant ?? "");
  const reported = new Set<string>();
  for (const breach of breaches) {
    if (reported.has(breach.invariant)) continue;
    reported.add(breach.invariant);
    if (breach.limit !== undefined) tally.lostRecords++;
    else addViolation(tally, { ...breach, point: formatPoint(point), variant, seed: last?.seed ?? 0 });
  }
}

/** Returns the distances between first and second cuts that give about `pairs` pairs, at most 40 second cuts per first. */
function pairStrides(operations: number, pairs: number): readonly [number, number] {
  const secondPerFirst = Math.min(40, Math.max(1, Math.floor(Math.sqrt(pairs))));
  const firsts = Math.max(1, Math.floor(pairs / secondPerFirst));
  // A recovery has about half of the operations.
  return [Math.max(1, Math.floor(operations / firsts)), Math.max(1, Math.floor(operations / 2 / secondPerFirst))];
}
