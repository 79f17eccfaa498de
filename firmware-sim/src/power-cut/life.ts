import { Sender } from "@tinybms/ota-core";
import type { Hardware } from "../boot/boot-options.ts";
import type { BootOutcome } from "../boot/bootloader.ts";
import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import type { WatchedOperation } from "../flash/nor-flash.ts";
import { World } from "../simulation/world.ts";
import { rejectionsOf } from "./rejections.ts";
import { type Scenario, TOPIC_ROOT } from "./scenario.ts";

/** A device's way from a power-on, in a world of its own with a publisher of its own, to the end of the offer. */
export interface Life {
  readonly device: SimulatedDevice;
  readonly log: readonly DeviceLogEntry[];
  /** What kept it from an end. */
  readonly failure: string | undefined;
  /** Starts of the new image, those before this life included. */
  readonly starts: number;
  /** Those of this life that the bootloader did not put on probation. */
  readonly unprotectedStarts: number;
  /** Why the bootloader refused the target slot though otadata named it first; one for each time. */
  readonly rejections: readonly string[];
}

/** How far a life is. */
export interface LifeProgress {
  readonly device: SimulatedDevice;
  /** Starts of the new image so far. */
  readonly starts: number;
}

/** What else there is to say about a life. */
export interface LifeOptions {
  readonly seed: number;
  /** Starts of the new image before this life; 0 without it. */
  readonly startsBefore?: number;
  /** Called before each flash operation is carried out. */
  readonly onOperation?: (operation: WatchedOperation, progress: LifeProgress) => void;
}

/** Virtual time that a life may take. */
const LIMIT_MS = 24 * 3_600_000;

/** Switches a device on and lets it go on until its offer has come to an end. */
export function live(scenario: Scenario, hardware: Hardware, options: LifeOptions): Life {
  const { seed, startsBefore = 0, onOperation } = options;
  const device = scenario.device(hardware, seed);
  const world = new World({ seed, devices: [device] });
  for (const [topic, keySet] of scenario.retained) world.broker.publish(topic, keySet, true);
  world.addPublisher(new Sender(scenario.sender), TOPIC_ROOT);
  const rejections: string[] = [];
  let starts = startsBefore;
  let unprotectedStarts = 0;
  let seen: BootOutcome | undefined;
  // Every start of an app writes to NVS, so that none is missed.
  const look = () => {
    const { bootOutcome } = device;
    if (bootOutcome === seen || bootOutcome === undefined) return;
    seen = bootOutcome;
    if (startsTarget(scenario, bootOutcome)) {
      starts++;
      if (!isOnProbation(bootOutcome)) unprotectedStarts++;
    }
    rejections.push(...rejectionsOf(scenario.target, bootOutcome));
  };
  let watcherError: { readonly thrown: unknown } | undefined;
  hardware.flash.watch((operation) => {
    look();
    try {
      onOperation?.(operation, { device, starts });
    } catch (thrown) {
      watcherError ??= { thrown };
      throw thrown;
    }
  });
  let failure: string | undefined;
  try {
    world.runUntil(() => hasEnded(device), LIMIT_MS);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  hardware.flash.watch(undefined);
  // It came through the device, and is none of its faults.
  if (watcherError !== undefined) throw watcherError.thrown;
  look();
  return { device, log: world.log, failure, starts, unprotectedStarts, rejections };
}

/** Whether this start was one of the new image. */
export function startsTarget({ target }: Scenario, outcome: BootOutcome): boolean {
  return outcome.kind === "boots" && outcome.partition.offset === target.offset;
}

/** The bootloader has made its entry PENDING_VERIFY: without a confirmation the next start is the old image's. */
export function isOnProbation({ trace }: BootOutcome): boolean {
  return trace.some((event) => event.type === "entry-rewritten" && event.reason === "first-start");
}

function hasEnded({ status, state, hardware }: SimulatedDevice): boolean {
  if (status === "reset-loop") return true;
  if (status !== "running" || !hardware.flash.isPowered) return false;
  return state === "confirmed" || state === "rejected" || state === "rolled-back" || state === "failed";
}
