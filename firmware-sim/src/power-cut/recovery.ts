import { CHUNK_SIZE } from "@tinybms/ota-core";
import type { SimulatedDevice } from "../device/device.ts";
import { isWeak } from "./cut.ts";
import { checkAccepted, checkBootable, checkFlash, checkRejections, limitOf } from "./first-starts.ts";
import type { Breach } from "./invariant.ts";
import { type Life, live } from "./life.ts";
import { acceptedOf, type Ordeal, type RecordDamage } from "./ordeal.ts";
import { copyOf, type Scenario } from "./scenario.ts";

/** What a device had done before its power went. */
export interface Past {
  /** Starts of the new image. */
  readonly starts: number;
  /** How many of the cuts came between an attempt's record and its end: each costs the image one of its starts. */
  readonly attemptsCut: number;
  /** Chunks written whole; `undefined` where more than one cut makes them no measure. */
  readonly chunksWritten: number | undefined;
}

/** How a device went on after its cuts. */
export interface Recovery {
  readonly end: "confirmed" | "rolled-back" | "failed" | undefined;
  /** Chunks fetched more than once. */
  readonly refetched: number;
  readonly breaches: readonly Breach[];
  readonly life: Life;
}

/** A chunk that was torn, its two neighbours, and chunk 0, which goes first and comes last. */
const REFETCHED_MAX = 4;

/** Starts that an image gets under one offer. */
const STARTS_MAX = 2;

/**
 * Gives a device its power back in a world with a publisher that offers the image, lets it go on to its end, and then
 * through one power-on more, and checks where it ends.
 */
export function recover(scenario: Scenario, ordeal: Ordeal, past: Past): Recovery {
  const hardware = copyOf(ordeal.hardware);
  const life = live(scenario, hardware, { seed: ordeal.seed, startsBefore: past.starts });
  const breaches = checkLife(scenario, { ...ordeal, ...past }, life);
  const written = life.device.totals.chunksUseful;
  const refetched =
    past.chunksWritten === undefined ? 0 : past.chunksWritten + written - Math.ceil(scenario.image.length / CHUNK_SIZE);
  if (refetched > REFETCHED_MAX) {
    breaches.push({ invariant: "refetch", message: `${refetched} chunks were fetched twice` });
  }
  if (breaches.length === 0) breaches.push(...checkNextStart(scenario, { ...ordeal, ...past }, life));
  breaches.push(...checkFlash(scenario, hardware));
  const { state } = life.device;
  const hasEnded = state === "confirmed" || state === "rolled-back" || state === "failed";
  return { end: hasEnded ? state : undefined, refetched, breaches, life };
}

/** Whether a cut now would come between an attempt's record and its end. */
export function isInAttempt({ state }: SimulatedDevice): boolean {
  return state === "ready-to-reboot" || state === "pending-verify";
}

/** Checks a life that has come to its end. */
export function checkLife(scenario: Scenario, ordeal: RecordDamage & Pick<Past, "attemptsCut">, life: Life): Breach[] {
  const breaches = checkBootable(life.log);
  breaches.push(...checkRejections(scenario, ordeal, life.rejections));
  breaches.push(
    ...(scenario.run === "update" ? checkDelivered(scenario, ordeal, life) : checkRolledBack(scenario, ordeal, life)),
  );
  return breaches;
}

/** What was reached has to be in flash: the device is switched on once more. Weak cells may need the publisher again. */
function checkNextStart(scenario: Scenario, ordeal: Ordeal & Past, life: Life): Breach[] {
  const { hardware, state, report } = life.device;
  const accepted = { floor: acceptedOf(life.device), nvs: ordeal.nvs };
  hardware.flash.powerOn();
  if (isWeak(ordeal.variant)) {
    const later = live(scenario, hardware, { seed: ordeal.seed + 1, startsBefore: life.starts });
    return [...checkLife(scenario, ordeal, later), ...checkAccepted(accepted, later.device)];
  }
  const device = scenario.device(hardware, ordeal.seed + 1);
  const log = device.boot(0).flatMap((action) => (action.type === "log" ? [action.entry] : []));
  const breaches = [...checkBootable(log), ...checkAccepted(accepted, device)];
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
  // No device can tell a crash from power that goes in each of its two attempts: the image is given up, as it should be.
  // Without the bootloader's probation the second start is already one too many for the agent.
  const cutsMax = scenario.performsRollback ? STARTS_MAX : 1;
  if (state === "rolled-back" && attemptsCut >= cutsMax) return [];
  if (state !== "confirmed") return breach(`ended ${state}: ${report?.error?.message ?? "no reason is known"}`);
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
  if (state !== "rolled-back") return breach(`ended ${state}: ${report?.error?.message ?? "no reason is known"}`);
  if (report?.running_sha256 !== scenario.oldSha256) return breach(`${report?.slot} does not run the image before`);
  // A torn ABORTED can be selectable: the agent that finds itself started so, its attempts used up, goes back untried.
  const isEndedAtOnce = unprotectedStarts > 0 && report.error?.code === "delivery/attempts-exhausted";
  if (starts <= STARTS_MAX + (isEndedAtOnce ? 1 : 0)) return [];
  const message = `the image that fails was started ${starts} times`;
  return [{ invariant: "rolled-back", message, ...limitOf(damage) }];
}
