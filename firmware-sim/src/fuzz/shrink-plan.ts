import type { WorldFailure } from "./invariants.ts";
import type { DevicePlan, PlanStep, WorldPlan } from "./world-plan.ts";

/** Greatest number of runs that shrinking takes. */
const RUNS_MAX = 400;

/** A smaller world that fails in the same way. */
export interface ShrunkPlan {
  readonly plan: WorldPlan;
  readonly failure: WorldFailure;
}

/**
 * Looks for a smaller world that breaks the same invariant: fewer devices, steps and faults, a smaller image.
 *
 * @param fail - Runs a plan, and returns how it fails.
 */
export function shrinkPlan(
  plan: WorldPlan,
  failure: WorldFailure,
  fail: (plan: WorldPlan) => WorldFailure | undefined,
): ShrunkPlan {
  let smallest: ShrunkPlan = { plan, failure };
  let runs = 0;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of smallerPlans(smallest.plan)) {
      if (++runs > RUNS_MAX) return smallest;
      const found = fail(candidate);
      if (found?.invariant !== failure.invariant) continue;
      smallest = { plan: candidate, failure: found };
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

/** Yields smaller plans, those that take most away first. */
function* smallerPlans(plan: WorldPlan): Generator<WorldPlan> {
  const { devices, steps, losses, chunks, network, publisher } = plan;
  for (const kept of shorterLists(devices)) if (kept.length > 0) yield withDevices(plan, kept);
  for (const kept of shorterLists(steps)) yield { ...plan, steps: kept };
  for (const kept of shorterLists(losses)) yield { ...plan, losses: kept };
  if (chunks > 2) yield { ...plan, chunks: Math.max(2, chunks >> 1) };
  for (const [index, device] of devices.entries()) {
    for (const member of Object.keys(device)) {
      if (member === "name") continue;
      const { [member as keyof DevicePlan]: _, ...rest } = device;
      yield { ...plan, devices: devices.with(index, { ...rest, name: device.name }) };
    }
  }
  for (const [member, simple] of Object.entries(SIMPLE_NETWORK)) {
    if (network[member as keyof typeof network] === simple) continue;
    yield { ...plan, network: { ...network, [member]: simple } };
  }
  if (publisher.spreadMs > 0) yield { ...plan, publisher: { ...publisher, spreadMs: 0 } };
  if (chunks > 2) yield { ...plan, chunks: chunks - 1 };
}

const SIMPLE_NETWORK = { bytesPerSecond: 0, receiveBytes: 0, keepAliveMs: 0, inFlightMax: 20, queueMax: 1_000 };

/** Yields a list without its halves, quarters and so on, down to single members. */
function* shorterLists<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < list.length; from += size) yield [...list.slice(0, from), ...list.slice(from + size)];
  }
}

function withDevices(plan: WorldPlan, devices: readonly DevicePlan[]): WorldPlan {
  const names = new Set(devices.map(({ name }) => name));
  const steps = plan.steps.flatMap((step): PlanStep[] => {
    if (step.type === "partition") return [{ ...step, devices: step.devices.filter((name) => names.has(name)) }];
    return "device" in step && !names.has(step.device) ? [] : [step];
  });
  return { ...plan, devices, steps };
}
