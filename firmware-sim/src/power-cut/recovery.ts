import { CHUNK_SIZE } from "@tinybms/ota-core";
import { copyHardware } from "../boot/boot-options.ts";
import type { SimulatedDevice } from "../device/device.ts";
import { isWeak } from "./cut.ts";
import { acceptedOf, type CutState, type RecordDamage } from "./cut-state.ts";
import { checkAccepted, checkBootable, checkFlash, checkRejections, limitOf } from "./first-starts.ts";
import type { Breach } from "./invariant.ts";
import { type Life, live } from "./life.ts";
import type { Scenario } from "./scenario.ts";

/** History of a device before its last power cut. */
export interface Past {
  /** Starts of the new image. */
  readonly starts: number;
  /** Cuts between an attempt's record and its end. Each costs the image one of its starts. */
  readonly attemptsCut: number;
  /** Complete chunks written; `undefined` after more than one cut, where the count says nothing. */
  readonly chunksWritten: number | undefined;
}

/** Result of the recovery after a cut. */
export interface Recovery {
  readonly end: "confirmed" | "rolled-back" | "failed" | undefined;
  /** Chunks fetched more than once. */
  readonly refetched: number;
  readonly breaches: readonly Breach[];
  readonly life: Life;
}

/** A torn chunk, its two neighbors, and chunk 0, which is fetched first and written last. */
const REFETCHED_MAX = 4;

/** Maximum number of starts of an image under one offer. */
const STARTS_MAX = 2;

/**
 * Restores power in a world with a publisher that offers the image, runs the device to the end of the update and through
 * one more power-on, and checks the result.
 */
export function recover(scenario: Scenario, cutState: CutState, past: Past): Recovery {
  const hardware = copyHardware(cutState.hardware);
  const life = live(scenario, hardware, { seed: cutState.seed, startsBefore: past.starts });
  const breaches = checkLife(scenario, { ...cutState, ...past }, life);
  const written = life.device.totals.chunksUseful;
  const refetched =
    past.chunksWritten === undefined ? 0 : past.chunksWritten + written - Math.ceil(scenario.image.length / CHUNK_SIZE);
  if (refetched > REFETCHED_MAX) {
    breaches.push({ invariant: "refetch", message: `the device fetched ${refetched} chunks twice` });
  }
  if (breaches.length === 0) breaches.push(...checkNextStart(scenario, { ...cutState, ...past }, life));
  breaches.push(...checkFlash(scenario, hardware));
  const { state } = life.device;
  const hasEnded = state === "confirmed" || state === "rolled-back" || state === "failed";
  return { end: hasEnded ? state : undefined, refetched, breaches, life };
}

/** Returns whether a cut now would fall between an attempt's record and its end. */
export function isInAttempt({ state }: SimulatedDevice): boolean {
  return state === "ready-to-reboot" || state === "pending-verify";
}

/** Checks a life that has ended. */
export function checkLife(
  scenario: Scenario,
  cutState: RecordDamage & Pick<Past, "attemptsCut">,
  life: Life,
): Breach[] {
  const breaches = checkBootable(life.log);
  breaches.push(...checkRejections(scenario, cutState, life.rejections));
  breaches.push(
    ...(scenario.run === "update"
      ? checkDelivered(scenario, cutState, life)
      : checkRolledBack(scenario, cutState, life)),
  );
  return breaches;
}

/** Checks with one more power-on that the result is in flash. Weak cells may need the publisher again. */
function checkNextStart(scenario: Scenario, cutState: CutState & Past, life: Life): Breach[] {
  const { hardware, state, report } = life.device;
  const accepted = { floor: acceptedOf(life.device), nvs: cutState.nvs };
  hardware.flash.powerOn();
  if (isWeak(cutState.variant)) {
    const later = live(scenario, hardware, { seed: cutState.seed + 1, startsBefore: life.starts });
    return [...checkLife(scenario, cutState, later), ...checkAccepted(accepted, later.device)];
  }
  const device = scenario.device(hardware, cutState.seed + 1);
  const log = device.boot(0).flatMap((action) => (action.type === "log" ? [action.entry] : []));
  const breaches = [...checkBootable(log), ...checkAccepted(accepted, device)];
  device.halt();
  if (device.state !== state || device.report?.running_sha256 !== report?.running_sha256) {
    const invariant = scenario.run === "update" ? "delivered" : "rolled-back";
    const message = `${state} on ${report?.slot}; after another power-on ${device.state} on ${device.report?.slot}`;
    breaches.push({ invariant, message });
  }
  return breaches;
}

function checkDelivered(
  scenario: Scenario,
  { attemptsCut }: Pick<Past, "attemptsCut">,
  { device, failure }: Life,
): Breach[] {
  const breach = (message: string): Breach[] => [{ invariant: "delivered", message }];
  const { state, report } = device;
  if (failure !== undefined) return breach(failure);
  // No device can tell a crash from a power cut in each of its two attempts, so it is right to give up the image.
  // Without the bootloader's probation, the second start already exceeds the agent's limit.
  const cutsMax = scenario.performsRollback ? STARTS_MAX : 1;
  if (state === "rolled-back" && attemptsCut >= cutsMax) return [];
  if (state !== "confirmed") return breach(`ended ${state}: ${report?.error?.message ?? "the reason is unknown"}`);
  if (report?.running_sha256 !== scenario.newSha256) return breach(`confirmed, but ${report?.slot} runs another image`);
  return [];
}

function checkRolledBack(
  scenario: Scenario,
  damage: RecordDamage,
  { device, failure, starts, unprotectedStarts }: Life,
): Breach[] {
  const breach = (message: string): Breach[] => [{ invariant: "rolled-back", message }];
  const { state, report } = device;
  if (failure !== undefined) return breach(failure);
  if (state !== "rolled-back") return breach(`ended ${state}: ${report?.error?.message ?? "the reason is unknown"}`);
  if (report?.running_sha256 !== scenario.oldSha256) return breach(`${report?.slot} does not run the old image`);
  // A torn ABORTED can be selectable. An agent that starts this way with its attempts used up rolls back without a test.
  const isEndedAtOnce = unprotectedStarts > 0 && report.error?.code === "delivery/attempts-exhausted";
  if (starts <= STARTS_MAX + (isEndedAtOnce ? 1 : 0)) return [];
  const message = `the failing image started ${starts} times`;
  return [{ invariant: "rolled-back", message, ...limitOf(damage) }];
}
