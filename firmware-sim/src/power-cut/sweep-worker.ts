/** Worker thread of a sweep, started by `sweep-threads.ts`: runs one part after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { createScenario, type Scenario, type SweepRun } from "./scenario.ts";
import { runJob } from "./sweep-job.ts";
import type { SweepOptions } from "./sweep-options.ts";
import type { ThreadAnswer, ThreadTask } from "./sweep-threads.ts";

const options = workerData as SweepOptions;
const scenarios = new Map<SweepRun, Scenario>();

parentPort?.on("message", ({ index, job }: ThreadTask) => {
  const scenario = scenarios.get(job.run) ?? createScenario(options, job.run);
  scenarios.set(job.run, scenario);
  parentPort?.postMessage({ index, tally: runJob(scenario, options, job) } satisfies ThreadAnswer);
});
