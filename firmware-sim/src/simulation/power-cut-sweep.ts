import { CHUNK_SIZE, equalBytes } from "@tinybms/ota-core";
import { createDevice, createHardware, type FlashContents } from "../create-device.ts";
import type { SimulatedDevice } from "../device.ts";
import { partitionBytes } from "../device-partitions.ts";
import type { Fault } from "../fault/fault.ts";
import type { CutMoment } from "../flash/power-cut.ts";
import { publishImage } from "./publish-image.ts";
import { World } from "./world.ts";

/** Which cuts to make in which update. */
export interface PowerCutSweepOptions {
  /** The board before the update, with the app that runs. Each cut gets a fresh copy. */
  readonly from: FlashContents;
  /** The image that it is updated to. */
  readonly to: Uint8Array;
  /** A cut at every so many flash operations; 1 is each. */
  readonly every: number;
  /** Where in the operation the cuts fall; `during` without it. */
  readonly moments?: readonly CutMoment[];
  /** Decides what torn operations leave behind; 1 without it. */
  readonly seed?: number;
}

/** Something that must hold after a cut, and did not. */
export interface SweepViolation {
  /**
   * - `bootable`: it starts at every power-on, and never panics.
   * - `delivered`: it ends confirmed, on the whole new image.
   * - `refetch`: it fetches again no more than what was torn, its neighbours and chunk 0.
   * - `flash`: no rule of NOR flash is broken.
   */
  readonly invariant: "bootable" | "delivered" | "refetch" | "flash";
  readonly operation: number;
  readonly moment: CutMoment;
  readonly seed: number;
  readonly message: string;
}

/** What came of a sweep. */
export interface PowerCutSweepResult {
  /** Flash operations of the update without a cut. */
  readonly operations: number;
  /** Cuts made. */
  readonly points: number;
  /** How the updates ended. */
  readonly outcomes: { readonly confirmed: number };
  /** The most chunks that a device fetched twice. */
  readonly refetchedMax: number;
  readonly violations: readonly SweepViolation[];
}

/** A chunk that was torn, its two neighbours, and chunk 0, which goes first and comes last. */
const REFETCHED_MAX = 4;
const DEVICE = "sweep-1";
const TOPIC_ROOT = "tinybms/gateway/ota";
const PRODUCT = "TinyBMS Web Gateway";
const LIMIT_MS = 24 * 3_600_000;

/**
 * Updates a device again and again, each time with its power cut at another flash operation, and checks that it comes
 * out of each cut bootable, ends on the new image, confirmed, and keeps what it had fetched.
 *
 * Invariants checked: see {@link SweepViolation}. Nothing here takes real time but the work itself.
 */
export function powerCutSweep(options: PowerCutSweepOptions): PowerCutSweepResult {
  const { to, every, moments = ["during"], seed = 1 } = options;
  const base = createHardware(options.from);
  const makeDevice = (faults: readonly Fault[]) => {
    const hardware = { chip: base.chip, efuse: base.efuse.copy(), flash: base.flash.snapshot() };
    return createDevice({ id: DEVICE, topicRoot: TOPIC_ROOT, product: PRODUCT, hardware, faults, seed });
  };
  const uncut = update(makeDevice([]), to, seed);
  const violations = check(uncut, to, { operation: 0, moment: "before", seed });
  const operations = uncut.device.hardware.flash.operationCount;
  const outcomes = { confirmed: 0 };
  let points = 0;
  let refetchedMax = 0;
  for (let operation = every; operation <= operations; operation += every) {
    for (const moment of moments) {
      const cutSeed = seed + operation;
      const cut = { type: "power-cut", device: DEVICE, operation, moment, seed: cutSeed, offMs: 500 } as const;
      const run = update(makeDevice([cut]), to, cutSeed);
      violations.push(...check(run, to, { operation, moment, seed: cutSeed }));
      refetchedMax = Math.max(refetchedMax, refetchedBy(run.device, to));
      if (run.device.state === "confirmed") outcomes.confirmed++;
      points++;
    }
  }
  return { operations, points, outcomes, refetchedMax, violations };
}

interface Run {
  readonly device: SimulatedDevice;
  readonly world: World;
  /** What kept it from its end. */
  readonly failure: string | undefined;
}

function update(device: SimulatedDevice, image: Uint8Array, seed: number): Run {
  const world = new World({ seed, devices: [device] });
  world.addPublisher(publishImage({ image, topicRoot: TOPIC_ROOT, product: PRODUCT }), TOPIC_ROOT);
  try {
    world.runUntil(() => hasEnded(device), LIMIT_MS);
    return { device, world, failure: undefined };
  } catch (error) {
    return { device, world, failure: String(error) };
  }
}

function hasEnded({ status, state, hardware }: SimulatedDevice): boolean {
  if (status === "reset-loop") return true;
  if (status !== "running" || !hardware.flash.isPowered) return false;
  return state === "confirmed" || state === "rejected" || state === "rolled-back" || state === "failed";
}

function check(
  run: Run,
  image: Uint8Array,
  at: Pick<SweepViolation, "operation" | "moment" | "seed">,
): SweepViolation[] {
  const { device, world, failure } = run;
  const violations: SweepViolation[] = [];
  const violate = (invariant: SweepViolation["invariant"], message: string) => {
    violations.push({ ...at, invariant, message });
  };
  for (const entry of world.log) {
    if (entry.type === "reset-loop") violate("bootable", `nothing boots: ${entry.reason}`);
    if (entry.type === "panic") violate("bootable", entry.message);
  }
  if (failure !== undefined) violate("delivered", failure);
  else if (device.state === "confirmed") {
    const { slot = "" } = device.report ?? {};
    const held = partitionBytes(device.hardware.flash, slot, image.length);
    if (!equalBytes(held, image)) violate("delivered", `${slot} differs from the image`);
  } else {
    violate("delivered", `ended ${device.state}: ${device.report?.error?.message}`);
  }
  const refetched = refetchedBy(device, image);
  if (refetched > REFETCHED_MAX) violate("refetch", `${refetched} chunks were fetched twice`);
  for (const { detail } of device.hardware.flash.violations.slice(0, 1)) violate("flash", detail);
  return violations;
}

function refetchedBy(device: SimulatedDevice, image: Uint8Array): number {
  return device.totals.chunksUseful - Math.ceil(image.length / CHUNK_SIZE);
}
