import type { NetworkCounts } from "../simulation/network-options.ts";
import { BrokenInvariant } from "./invariants.ts";
import type { DevicePlan, WorldPlan } from "./world-plan.ts";

/** Images that a delivery may cost if nothing is lost. */
const IMAGES_MAX = 1.02;
/** A late device may have missed a chunk. */
const CHUNKS_SPARE = 1;
/** A request that is answered later than this is made again, in milliseconds. */
const LATENCY_MAX_MS = 200;
/** A publisher judges its rounds by so many chunks at least. */
const JUDGED_CHUNKS = 20;
/**
 * What may set a device apart without a loss and without a delay. A device with a window asks while it still writes what
 * came, and a publisher takes what is late by a second for lost.
 */
const HARMLESS = ["name", "joinsAtMs", "hasOldBootloader", "selfTest"] satisfies (keyof DevicePlan)[];
/**
 * Time from power-on until a near device listens for chunks, in milliseconds: 350 for boot and connection, the rest for
 * messages and for comparing its slot.
 */
const START_MS = 1_000;

/**
 * Checks what a delivery cost in a world in which nothing was lost or late: one image, and another for each device that
 * came after the spread, for which the first round waits. @throws BrokenInvariant
 */
export function judgeCost(
  plan: WorldPlan,
  { network, chunksSent }: { readonly network: NetworkCounts; readonly chunksSent: number },
): void {
  if (!isLossless(plan, network, plan.steps.length) || !isNear(plan)) return;
  const { spreadMs } = plan.publisher;
  const late = plan.devices.filter(
    ({ joinsAtMs }) => joinsAtMs !== undefined && joinsAtMs + START_MS > spreadMs,
  ).length;
  const images = chunksSent / plan.chunks;
  if (images <= IMAGES_MAX + CHUNKS_SPARE / plan.chunks + late) return;
  throw new BrokenInvariant("frugal", `${images.toFixed(2)} images were sent although nothing was lost`);
}

/**
 * Returns `true` if nothing so far can slow a publisher: nothing was lost, and no round was judged or nothing was late.
 *
 * @param stepsTaken - Number of steps that took place.
 */
export function hasFullPace(plan: WorldPlan, network: NetworkCounts, stepsTaken: number): boolean {
  return isLossless(plan, network, stepsTaken) && (plan.chunks < JUDGED_CHUNKS || isNear(plan));
}

/** Returns `true` if nothing can have lost a message so far, and no device what it wrote. */
function isLossless({ losses, devices }: WorldPlan, { dropped }: NetworkCounts, stepsTaken: number): boolean {
  const isWorn = devices.some(({ badSector }) => badSector !== undefined);
  return losses.length === 0 && stepsTaken === 0 && dropped === 0 && !isWorn;
}

/** Returns `true` if devices are near the broker and take chunks as fast as they come. */
function isNear({ devices, network }: WorldPlan): boolean {
  if (network.latencyMs[1] > LATENCY_MAX_MS || network.bytesPerSecond > 0) return false;
  return devices.every((device) => Object.keys(device).every((member) => HARMLESS.some((it) => it === member)));
}
