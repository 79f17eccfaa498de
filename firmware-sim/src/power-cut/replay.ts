import { OtaError } from "@tinybms/ota-core";
import { copyHardware } from "../boot/boot-options.ts";
import { runBootloader } from "../boot/bootloader.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import type { WatchedOperation } from "../flash/nor-flash.ts";
import type { Cut } from "./cut.ts";
import { AcceptedFloor, type CutState, cutOff, NO_DAMAGE } from "./cut-state.ts";
import { firstStarts, type StartOutcome } from "./first-starts.ts";
import type { Breach } from "./invariant.ts";
import { type LifeProgress, live } from "./life.ts";
import type { LifeRecorder } from "./life-recorder.ts";
import { formatPoint, type SweepPoint } from "./point-name.ts";
import { checkLife, isInAttempt, recover } from "./recovery.ts";
import { createScenario, type Scenario, type ScenarioOptions } from "./scenario.ts";
import { checkWorn, liveWorn } from "./worn-sector.ts";

/** One step of a replay. */
export type TraceEntry =
  | { readonly type: "cut"; readonly at: string; readonly offset: number; readonly cut: Cut }
  | { readonly type: "console"; readonly lines: readonly string[] }
  | { readonly type: "device"; readonly entry: DeviceLogEntry };

/** Result of replaying a point of a sweep. */
export interface Replay {
  readonly outcome: StartOutcome | undefined;
  readonly breaches: readonly Breach[];
  readonly trace: readonly TraceEntry[];
  /** The whole flash after the last cut; without a cut, at the end. */
  readonly flash: Uint8Array;
}

/**
 * Repeats what a sweep did at one point, follows it to its end, and records every step.
 *
 * @param recorder - Records the device's lives as well.
 * @throws {@link OtaError} `simulation/invalid-fault` if the run has no such operation or the tear doesn't fit it; others
 *   as `createScenario`.
 */
export function replayPoint(options: ScenarioOptions, point: SweepPoint, recorder?: LifeRecorder): Replay {
  const scenario: Scenario = { ...createScenario(options, point.run), recorder };
  if (point.kind === "worn") {
    const life = liveWorn(scenario, point.sector, point.fault);
    const trace = life.log.map((entry) => ({ type: "device", entry }) as const);
    const flash = life.device.hardware.flash.dump();
    return { outcome: undefined, breaches: checkWorn(scenario, life), trace, flash };
  }
  if (point.cuts.length === 0) {
    const life = live(scenario, copyHardware(scenario.hardware), { seed: scenario.seed });
    const trace = life.log.map((entry) => ({ type: "device", entry }) as const);
    const breaches = checkLife(scenario, { ...NO_DAMAGE, attemptsCut: 0 }, life);
    return { outcome: undefined, breaches, trace, flash: life.device.hardware.flash.dump() };
  }
  const trace: TraceEntry[] = [];
  const { cutState, starts, attemptsCut, chunksWritten } = reach(scenario, point, trace);
  const { outcome, breaches } = firstStarts(scenario, cutState);
  const again = copyHardware(cutState.hardware);
  again.flash.powerOn();
  trace.push({ type: "console", lines: runBootloader(again, scenario.bootloaderOptions).log });
  const past = { starts, attemptsCut, chunksWritten: point.cuts.length === 1 ? chunksWritten : undefined };
  const recovery = recover(scenario, cutState, past);
  trace.push(...recovery.life.log.map((entry) => ({ type: "device", entry }) as const));
  return {
    outcome,
    breaches: [...breaches, ...recovery.breaches],
    trace,
    flash: cutState.hardware.flash.dump(),
  };
}

interface Reached {
  readonly cutState: CutState;
  readonly starts: number;
  readonly attemptsCut: number;
  readonly chunksWritten: number;
}

/** Runs to each cut in turn and returns the state that the last one left. */
function reach(scenario: Scenario, point: SweepPoint & { readonly kind: "cuts" }, trace: TraceEntry[]): Reached {
  let hardware = copyHardware(scenario.hardware);
  let { seed } = scenario;
  let reached: Reached | undefined;
  for (const cut of point.cuts) {
    const floor = new AcceptedFloor(scenario);
    const { otadata, nvs } = reached?.cutState ?? NO_DAMAGE;
    let number = 0;
    let found: Reached | undefined;
    const onOperation = (operation: WatchedOperation, { device, starts }: LifeProgress) => {
      number++;
      floor.onOperation(operation);
      if (number !== cut.operation) return;
      trace.push({ type: "cut", at: `${operation.kind} of the flash`, offset: operation.offset, cut });
      const cutState = cutOff(scenario, device, operation, cut, { floor: floor.of(device), otadata, nvs });
      const at = `0x${operation.offset.toString(16)}`;
      scenario.recorder?.cut(cutState.hardware.flash, `power cut in the ${operation.kind} at ${at} (${cut.variant})`);
      const attemptsCut = (reached?.attemptsCut ?? 0) + (isInAttempt(device) ? 1 : 0);
      found = { cutState, starts, attemptsCut, chunksWritten: device.totals.chunksUseful };
    };
    live(scenario, hardware, { seed, startsBefore: reached?.starts ?? 0, onOperation });
    if (found === undefined) throw noOperation(point, cut, number);
    reached = found;
    hardware = copyHardware(found.cutState.hardware);
    seed = cut.seed;
  }
  if (reached === undefined) throw noOperation(point, { operation: 0, variant: "", seed: 0 }, 0);
  return reached;
}

function noOperation(point: SweepPoint, { operation }: Cut, count: number): OtaError<"simulation/invalid-fault"> {
  const fault = formatPoint(point);
  const message = `${fault}: there is no flash operation ${operation}; the run has ${count}`;
  return new OtaError("simulation/invalid-fault", message, { fault });
}
