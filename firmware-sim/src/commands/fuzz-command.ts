import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type CommandOutput, ExitCode, type OutputOptions, tableLines } from "@tinybms/cli-kit/output";
import { type FuzzFailure, fuzzWorlds } from "../fuzz/fuzz-worlds.ts";
import type { AgentOption } from "./agent-option.ts";

/** Options of `tinybms-sim fuzz`, as commander reads them. */
export interface FuzzCommandOptions extends AgentOption, OutputOptions {
  readonly runs: number;
  readonly seed: number;
  readonly output: string;
}

/** Worlds between two lines of progress. */
const NOTE_EVERY = 500;

/**
 * Runs `tinybms-sim fuzz`: worlds drawn from seeds, each checked against the invariants.
 *
 * @returns Exit code: 0 if every invariant held in every world, else 1.
 */
export async function fuzz(options: FuzzCommandOptions, output: CommandOutput): Promise<number> {
  const { runs, seed, agent = "ts", output: folder } = options;
  const startedAt = performance.now();
  const onRun = async (done: number) => {
    await setImmediate();
    output.world.signal.throwIfAborted();
    if (done % NOTE_EVERY === 0 && done < runs) output.note(`${done} of ${runs} worlds`);
  };
  const result = await fuzzWorlds({ runs, seed, agent, onRun });
  const durationMs = Math.round(performance.now() - startedAt);
  const files = await Promise.all(result.failures.map((failure) => writeFailure(folder, failure)));
  const failures = result.failures.map(({ seed: own, invariant, message, atMs }, index) => {
    return { seed: own, invariant, message, atMs, file: files[index] };
  });
  output.printJson({ seed, agent, runs: result.runs, failures, counts: result.counts, durationMs });
  const rows = Object.entries(result.counts).sort(([left], [right]) => left.localeCompare(right));
  for (const line of tableLines(
    ["event", "count"],
    rows.map(([name, count]) => [name, String(count)]),
    { alignments: ["left", "right"] },
  )) {
    output.print(line);
  }
  const years = result.virtualMs / (365.25 * 86_400_000);
  output.print(
    `${result.runs} worlds from seed ${seed} in ${(durationMs / 1_000).toFixed(1)} s: ${years.toFixed(2)} simulated years`,
  );
  for (const { seed: own, invariant, message, file } of failures) {
    output.print(`${output.style("red", invariant)}  seed ${own}: ${message}`);
    output.print(`  tinybms-sim replay --world ${file}`);
  }
  if (failures.length === 0) output.print(output.style("green", "every invariant held"));
  return failures.length === 0 ? ExitCode.done : ExitCode.failed;
}

/** Writes the shrunk world of a failure. @returns The file's path. */
async function writeFailure(folder: string, { seed, invariant, message, plan }: FuzzFailure): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${invariant}-${plan.agent}-${seed}.json`);
  await writeFile(
    file,
    `${JSON.stringify({ found: `${invariant}: ${message.split("\n")[0]}`, ...plan }, undefined, 2)}\n`,
  );
  return file;
}
