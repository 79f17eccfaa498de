import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type CommandOutput, ExitCode, type OutputOptions } from "@tinybms/cli-kit/output";
import { OtaError } from "@tinybms/ota-core";
import { ExecMachine } from "../conformance/exec-machine.ts";
import { ExecReceiver } from "../conformance/exec-receiver.ts";
import { ExecThread } from "../conformance/exec-thread.ts";
import { WorldJudge, type WorldViolation } from "../conformance/judge-world.ts";
import { runVector, type VectorFailure } from "../conformance/run-vector.ts";
import { parseVector, type Vector } from "../conformance/vector.ts";

/** Options of `tinybms-sim conformance`, as commander reads them. */
export interface ConformanceOptions extends OutputOptions {
  readonly exec: string;
  readonly vectors: string;
  readonly only?: readonly string[];
  /** Number of worlds. */
  readonly worlds: number;
  /** Seed of the first world. */
  readonly seed: number;
}

/** JSON document of `conformance --json`. */
interface ConformanceDocument {
  readonly vectors: number;
  readonly steps: number;
  readonly passed: number;
  readonly failures: readonly VectorFailure[];
  readonly worlds: WorldsDocument;
}

/** Result of the worlds. */
interface WorldsDocument {
  readonly count: number;
  readonly passed: number;
  readonly violations: readonly WorldViolation[];
}

/**
 * Runs the conformance vectors, and simulated worlds with power cuts, on a receiver in a separate process.
 *
 * @returns The exit code: 0 if every vector and every world passed, else 1.
 * @throws {@link OtaError} `arguments/invalid` if there are no vectors, `simulation/no-answer`.
 */
export async function conformance(options: ConformanceOptions, output: CommandOutput): Promise<number> {
  const vectors = await readVectors(options);
  const receiver = new ExecReceiver(options.exec);
  const failures: VectorFailure[] = [];
  try {
    for (const vector of vectors) {
      output.world.signal.throwIfAborted();
      const failure = await runVector(vector, receiver);
      if (failure === undefined) continue;
      failures.push(failure);
      for (const line of linesOf(failure)) output.print(line);
    }
  } finally {
    await receiver.close();
  }
  const worlds = await judgeWorlds(options, output);
  const steps = vectors.reduce((sum, vector) => sum + vector.steps.length, 0);
  const document: ConformanceDocument = {
    vectors: vectors.length,
    steps,
    passed: vectors.length - failures.length,
    failures,
    worlds,
  };
  output.printJson(document);
  output.print(`${document.passed} of ${vectors.length} vectors passed (${steps} events)`);
  if (worlds.count > 0) output.print(`${worlds.passed} of ${worlds.count} worlds passed`);
  return failures.length === 0 && worlds.passed === worlds.count ? ExitCode.done : ExitCode.failed;
}

async function judgeWorlds({ exec, worlds, seed }: ConformanceOptions, output: CommandOutput): Promise<WorldsDocument> {
  const violations: WorldViolation[] = [];
  if (worlds === 0) return { count: 0, passed: 0, violations };
  const thread = new ExecThread(exec);
  const judge = new WorldJudge((options) => new ExecMachine(thread, options));
  let passed = 0;
  try {
    for (let world = seed; world < seed + worlds; world++) {
      // A world blocks this thread: a signal arrives in between.
      await new Promise((resolve) => setImmediate(resolve));
      output.world.signal.throwIfAborted();
      const found = judge.judge(world);
      if (found.length === 0) passed++;
      violations.push(...found);
      for (const { point, invariant, message } of found) {
        output.print(`VIOLATED world of seed ${world}, ${point}`);
        output.print(`  ${invariant}: ${message}`);
      }
    }
  } finally {
    await thread.close();
  }
  return { count: worlds, passed, violations };
}

async function readVectors({ vectors: folder, only = [] }: ConformanceOptions): Promise<readonly Vector[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new OtaError("arguments/invalid", `${folder} can't be read`, { option: "--vectors" }, { cause });
  });
  const files = names.filter((name) => name.endsWith(".jsonl")).sort();
  const wanted = files.filter((name) => only.length === 0 || only.includes(name.slice(0, -".jsonl".length)));
  if (wanted.length === 0) {
    const message = `${folder} holds no vector${only.length === 0 ? "" : ` named ${only.join(" or ")}`}`;
    throw new OtaError("arguments/invalid", message, { option: only.length === 0 ? "--vectors" : "--only" });
  }
  return Promise.all(wanted.map(async (name) => parseVector(await readFile(join(folder, name), "utf8"), name)));
}

function linesOf({ name, rule, line, event, path, expected, actual }: VectorFailure): readonly string[] {
  const show = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value).slice(0, 300));
  return [
    `FAILED ${name}, line ${line}: ${rule}`,
    `  event: ${JSON.stringify(event).slice(0, 300)}`,
    `  actions${path}: expected ${show(expected)}`,
    `  ${" ".repeat("actions".length + path.length)}  got      ${show(actual)}`,
  ];
}
