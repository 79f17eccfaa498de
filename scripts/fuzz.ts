/**
 * Fuzzes every parser of ota-core, guided by the branches that inputs reach: no exception but `OtaError`, no hang.
 *
 *     pnpm fuzz                                    a million executions, shared out among the parsers
 *     pnpm fuzz --seed 7 --executions 20000000     another run; the same seed and number come to the same end
 *     pnpm fuzz --target parseOffer                one parser
 *     pnpm fuzz --target parseOffer --input FILE   one input once, as a finding says
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { bundleWithCounters, COUNTERS_NAME } from "./fuzz/instrument.ts";
import { type Core, targetsOf } from "./fuzz/targets.ts";
import { SHARED_HEADER_SIZE, type WorkerReport, type WorkerTask } from "./fuzz/worker.ts";

/** An execution that takes longer hangs, in milliseconds: the slowest honest one takes a few. */
const HANG_MS = 10_000;

/** Bytes of the longest input. */
const INPUT_SIZE_MAX = 0x10000;

const { values: options } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    executions: { type: "string", default: "1000000" },
    target: { type: "string" },
    input: { type: "string" },
  },
});

const started = performance.now();
const bundle = await bundleWithCounters(new URL("./fuzz/library.ts", import.meta.url).pathname);
try {
  const names = await targetNames();
  if (options.input !== undefined) await runOnce(options.input);
  else process.exitCode = await fuzz(names);
} finally {
  rmSync(bundle.folder, { recursive: true, force: true });
}

async function loadTargets(): Promise<ReturnType<typeof targetsOf>> {
  Object.assign(globalThis, { [COUNTERS_NAME]: new Uint8Array(bundle.counters) });
  const core: Core = await import(bundle.file);
  return targetsOf(core);
}

async function targetNames(): Promise<readonly string[]> {
  const names = (await loadTargets()).map(({ name }) => name);
  if (options.target === undefined) return names;
  if (!names.includes(options.target))
    throw new Error(`there is no parser ${options.target}; there are ${names.join(", ")}`);
  return [options.target];
}

async function runOnce(file: string): Promise<void> {
  const target = (await loadTargets()).find(({ name }) => name === options.target);
  if (target === undefined) throw new Error("--input needs the --target that is to read it");
  target.run(new Uint8Array(readFileSync(file)));
  console.log(`${target.name} reads ${file}`);
}

/** Fuzzes parsers, some at a time. @returns The exit code. */
async function fuzz(names: readonly string[]): Promise<number> {
  const executions = Math.ceil(Number(options.executions) / names.length);
  const jobs = Math.min(availableParallelism(), names.length);
  const shares = Array.from({ length: jobs }, (_, job) => names.filter((_name, index) => index % jobs === job));
  const reports = (await Promise.all(shares.map((targets) => runWorker(targets, executions)))).flat();
  let findings = 0;
  for (const { target, executions: done, corpus, finding } of reports.toSorted(
    (a, b) => names.indexOf(a.target) - names.indexOf(b.target),
  )) {
    console.log(
      `${target.padEnd(24)} ${String(done).padStart(9)} executions, ${String(corpus).padStart(5)} inputs kept`,
    );
    if (finding === undefined) continue;
    findings++;
    const file = `fuzz-${target}.bin`;
    writeFileSync(file, finding.input);
    console.error(`${target}: ${finding.stack}\n  again: pnpm fuzz --target ${target} --input ${file}`);
  }
  const total = reports.reduce((sum, report) => sum + report.executions, 0);
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${total} executions of ${names.length} parsers in ${seconds.toFixed(1)} s (seed ${options.seed}, ${bundle.counters} branches): ${findings} findings`,
  );
  return findings === 0 ? 0 : 1;
}

function runWorker(targets: readonly string[], executions: number): Promise<readonly WorkerReport[]> {
  const shared = new SharedArrayBuffer(SHARED_HEADER_SIZE + INPUT_SIZE_MAX);
  const { file, counters } = bundle;
  const task: WorkerTask = { file, counters, seed: Number(options.seed), executions, targets, shared };
  const worker = new Worker(new URL("./fuzz/worker.ts", import.meta.url), { workerData: task });
  const state = new Uint32Array(shared, 0, 3);
  return new Promise((resolve, reject) => {
    const reports: WorkerReport[] = [];
    let last = -1;
    const watchdog = setInterval(() => {
      const now = Atomics.load(state, 0);
      if (now !== last || now === 0) {
        last = now;
        return;
      }
      const target = targets[state[1] ?? 0] ?? "";
      const input = new Uint8Array(shared, SHARED_HEADER_SIZE, state[2]).slice();
      const stack = `it did not end within ${HANG_MS / 1000} s`;
      reports.push({ target, executions: 0, corpus: 0, finding: { input, stack } });
      void worker.terminate();
      clearInterval(watchdog);
      resolve(reports);
    }, HANG_MS);
    worker.on("message", (report: WorkerReport) => reports.push(report));
    worker.on("error", (error) => {
      clearInterval(watchdog);
      reject(error);
    });
    worker.on("exit", () => {
      clearInterval(watchdog);
      resolve(reports);
    });
  });
}
