import type { Hardware } from "../boot/boot-options.ts";
import type { BootOutcome } from "../boot/bootloader.ts";
import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import type { WatchedOperation } from "../flash/nor-flash.ts";
import { ImagePublisher } from "../simulation/publish-image.ts";
import { World } from "../simulation/world.ts";
import { rejectionsOf } from "./rejections.ts";
import { type Scenario, TOPIC_ROOT } from "./scenario.ts";

/** Record of a device from one power-on to the end of the offer, in its own world with its own publisher. */
export interface Life {
  readonly device: SimulatedDevice;
  readonly log: readonly DeviceLogEntry[];
  /** Why the update did not end, if it did not. */
  readonly failure: string | undefined;
  /** Starts of the new image, including those before this life. */
  readonly starts: number;
  /** Starts in this life that the bootloader did not put on probation. */
  readonly unprotectedStarts: number;
  /** Reasons why the bootloader rejected the target slot although otadata named it first; one for each rejection. */
  readonly rejections: readonly string[];
}

/** Progress of a life. */
export interface LifeProgress {
  readonly device: SimulatedDevice;
  /** Starts of the new image so far. */
  readonly starts: number;
}

/** Options of {@link live}. */
export interface LifeOptions {
  readonly seed: number;
  /**
   * Starts of the new image before this life.
   *
   * @defaultValue 0
   */
  readonly startsBefore?: number;
  /** Called before each flash operation is carried out. */
  readonly onOperation?: (operation: WatchedOperation, progress: LifeProgress) => void;
}

/** Limit for the duration of a life, in milliseconds of virtual time. */
const LIMIT_MS = 24 * 3_600_000;

/** Powers a device on, runs it until its offer has ended, and halts it. */
export function live(scenario: Scenario, hardware: Hardware, options: LifeOptions): Life {
  const { seed, startsBefore = 0, onOperation } = options;
  const device = scenario.device(hardware, seed);
  const { recorder } = scenario;
  const world = new World({ seed, devices: [device], observe: recorder && ((event) => recorder.addNetwork(event)) });
  recorder?.begin(device);
  for (const [topic, keySet] of scenario.retained) world.broker.publish(topic, keySet, true);
  world.addPublisher(new ImagePublisher(scenario.sender), TOPIC_ROOT);
  const rejections: string[] = [];
  let starts = startsBefore;
  let unprotectedStarts = 0;
  let seen: BootOutcome | undefined;
  // Every start of an app writes to NVS, so this sees all of them.
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
    recorder?.addOperation(operation, world.now);
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
  device.halt();
  // The error came through the device, but the device did not cause it.
  if (watcherError !== undefined) throw watcherError.thrown;
  look();
  recorder?.addLog(world.log);
  return { device, log: world.log, failure, starts, unprotectedStarts, rejections };
}

/** Returns whether a boot started the new image. */
export function startsTarget({ target }: Scenario, outcome: BootOutcome): boolean {
  return outcome.kind === "boots" && outcome.partition.offset === target.offset;
}

/** Returns whether the bootloader set the entry to PENDING_VERIFY: without a confirmation the old image starts next. */
export function isOnProbation({ trace }: BootOutcome): boolean {
  return trace.some((event) => event.type === "entry-rewritten" && event.reason === "first-start");
}

function hasEnded({ status, state, hardware }: SimulatedDevice): boolean {
  if (status === "reset-loop") return true;
  if (status !== "running" || !hardware.flash.isPowered) return false;
  return state === "confirmed" || state === "rejected" || state === "rolled-back" || state === "failed";
}
