import { type CommandOutput, ExitCode, type OutputOptions, tableLines } from "@tinybms/cli-kit/output";
import { OtaError } from "@tinybms/ota-core";
import { drawPlan } from "../fuzz/draw-plan.ts";
import { runPlan } from "../fuzz/run-plan.ts";
import { Timeline } from "../fuzz/timeline.ts";
import { WORLD_TOPIC_ROOT } from "../fuzz/world-board.ts";
import { parsePlan, type WorldPlan } from "../fuzz/world-plan.ts";
import { writeReplayPage } from "../replay-page/write-replay-page.ts";
import type { AgentOption } from "./agent-option.ts";
import { readInput } from "./run-inputs.ts";
import { WorldPage } from "./world-page.ts";

/** Options of `tinybms-sim replay`, as commander reads them. */
export interface ReplayOptions extends AgentOption, OutputOptions {
  readonly seed?: number;
  readonly world?: string;
  /** Path of a page to write. */
  readonly html?: string;
}

/**
 * Runs `tinybms-sim replay`: one world of `fuzz` again, with a timeline.
 *
 * @returns Exit code: 0 if every invariant holds, else 1.
 * @throws {@link OtaError} `arguments/invalid` without a world, or if the file holds none.
 */
export async function replay(options: ReplayOptions, output: CommandOutput): Promise<number> {
  const plan = await readPlan(options);
  const timeline = new Timeline(WORLD_TOPIC_ROOT);
  const page = new WorldPage(plan);
  const result = runPlan(plan, {
    onDevices: (devices) => page.begin(devices),
    onNetwork: (event) => {
      timeline.addNetwork(event);
      page.addNetwork(event);
    },
    onLog: (entry) => {
      timeline.addLog(entry);
      page.addLog(entry);
    },
    onStep: (step, nowMs) => {
      timeline.addStep(step, nowMs);
      page.addStep(step, nowMs);
    },
  });
  if (options.html !== undefined) await writeReplayPage(options.html, page.result(result));
  const { entries } = timeline;
  output.printJson({ plan, failure: result.failure ?? null, ends: result.ends, timeline: entries });
  const rows = entries.map(({ atMs, who, what, count }) => [
    (atMs / 1_000).toFixed(3),
    who,
    count === 1 ? what : `${what} (${count} times)`,
  ]);
  for (const line of tableLines(["s", "who", "what"], rows, { alignments: ["right"] })) output.print(line);
  const { failure } = result;
  if (failure === undefined) output.print(output.style("green", "every invariant holds in this world"));
  else output.print(`${output.style("red", failure.invariant)}  at ${failure.atMs} ms: ${failure.message}`);
  return failure === undefined ? ExitCode.done : ExitCode.failed;
}

async function readPlan({ seed, world, agent = "ts" }: ReplayOptions): Promise<WorldPlan> {
  if (world !== undefined && seed === undefined)
    return parsePlan(new TextDecoder().decode(await readInput(world)), world);
  if (seed !== undefined && world === undefined) return drawPlan(seed, agent);
  const message = "replay needs either --seed or --world";
  throw new OtaError("arguments/invalid", message, { option: "--seed" }, { hint: "give the seed that fuzz printed" });
}
