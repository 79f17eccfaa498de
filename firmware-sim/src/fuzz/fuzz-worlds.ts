import type { AgentKind } from "../agent/agent-receiver.ts";
import { drawPlan } from "./draw-plan.ts";
import type { WorldFailure } from "./invariants.ts";
import { type PlanParts, type PlanResult, runPlan } from "./run-plan.ts";
import { shrinkPlan } from "./shrink-plan.ts";
import type { WorldPlan } from "./world-plan.ts";

/** Options of {@link fuzzWorlds}. */
export interface FuzzWorldsOptions {
  readonly runs: number;
  /** Seed of the first world; each later one adds 1. */
  readonly seed: number;
  readonly agent: AgentKind;
  /**
   * Failures after which the run ends.
   *
   * @defaultValue 5
   */
  readonly failuresMax?: number | undefined;
  readonly parts?: PlanParts | undefined;
  /** Called after each world. Let it throw to end the run. */
  readonly onRun?: ((runs: number) => void | Promise<void>) | undefined;
}

/** A world that breaks an invariant, as it was drawn and shrunk. */
export interface FuzzFailure extends WorldFailure {
  readonly seed: number;
  /** The smallest world found that fails in the same way. */
  readonly plan: WorldPlan;
}

/** Result of {@link fuzzWorlds}. */
export interface FuzzedWorlds {
  readonly runs: number;
  readonly failures: readonly FuzzFailure[];
  /** Number of each kind of event over all worlds, by name. */
  readonly counts: Readonly<Record<string, number>>;
  /** Virtual time of all worlds, in milliseconds. */
  readonly virtualMs: number;
}

const FAILURES_MAX = 5;

/** Draws worlds from consecutive seeds, runs them, and shrinks those that break an invariant. */
export async function fuzzWorlds(options: FuzzWorldsOptions): Promise<FuzzedWorlds> {
  const { runs, seed, agent, parts, failuresMax = FAILURES_MAX, onRun } = options;
  const failures: FuzzFailure[] = [];
  const counts: Record<string, number> = {};
  let virtualMs = 0;
  let done = 0;
  while (done < runs && failures.length < failuresMax) {
    const plan = drawPlan(seed + done, agent);
    const result = runPlan(plan, { parts });
    done++;
    virtualMs += result.endedAtMs;
    addCounts(counts, plan, result);
    if (result.failure !== undefined) {
      const shrunk = shrinkPlan(plan, result.failure, (candidate) => runPlan(candidate, { parts }).failure);
      failures.push({ ...shrunk.failure, seed: plan.seed, plan: shrunk.plan });
    }
    await onRun?.(done);
  }
  return { runs: done, failures, counts, virtualMs };
}

function addCounts(counts: Record<string, number>, plan: WorldPlan, result: PlanResult): void {
  const add = (name: string, count: number) => {
    counts[name] = (counts[name] ?? 0) + count;
  };
  const { network, ends, steps, boots, powerCuts, chunksSent, publishers } = result;
  add("devices", plan.devices.length);
  add("publishers", publishers);
  add("boots", boots);
  add("power cuts", powerCuts);
  add("chunks sent", chunksSent);
  for (const [end, count] of Object.entries(ends)) add(`ended ${end}`, count);
  for (const [step, count] of Object.entries(steps)) add(`step ${step}`, count);
  for (const device of plan.devices) {
    for (const trait of Object.keys(device)) if (trait !== "name") add(`device ${trait}`, 1);
  }
  const { queuedMax: _, queuedBytesMax: __, bytesDelivered: ___, ...messages } = network;
  for (const [kind, count] of Object.entries(messages)) add(`network ${kind}`, count);
}
