import { Worker } from "node:worker_threads";
import { planSweep, type SweepResult } from "./sweep.ts";
import type { SweepJob, SweepOptions } from "./sweep-options.ts";
import { mergeTally, type SweepTally } from "./sweep-tally.ts";

/** Options of {@link powerCutSweepOnThreads}. */
export interface ThreadOptions {
  /** Number of worker threads. */
  readonly threads: number;
  /** Called after each part with the fraction done, 0 to 1, and the number of cuts so far. */
  readonly onProgress?: (part: number, points: number) => void;
  /** Ends the sweep early. */
  readonly signal?: AbortSignal;
}

/** Task sent to a worker thread. */
export interface ThreadTask {
  readonly index: number;
  readonly job: SweepJob;
}

/** The result of a task. */
export interface ThreadAnswer {
  readonly index: number;
  readonly tally: SweepTally;
}

/** Worker next to this file, with its extension: TypeScript from source, JavaScript from a package. */
const WORKER = new URL(import.meta.url.endsWith(".ts") ? "./sweep-worker.ts" : "./sweep-worker.js", import.meta.url);

/**
 * Runs a sweep on several threads. The result is the same as on one thread: parts are merged in order, and randomness
 * depends only on the seed and the position of a cut.
 *
 * @throws {@link OtaError} as `planSweep`; errors of a thread; the signal's reason if it is aborted.
 */
export async function powerCutSweepOnThreads(
  options: SweepOptions,
  threadOptions: ThreadOptions,
): Promise<SweepResult> {
  const { threads, onProgress, signal } = threadOptions;
  const { operations, jobs, tally } = planSweep(options);
  const results: (SweepTally | undefined)[] = new Array(jobs.length).fill(undefined);
  let [next, done, points] = [0, 0, 0];
  const take = (): ThreadTask | undefined => {
    signal?.throwIfAborted();
    const job = jobs[next];
    return job === undefined ? undefined : { index: next++, job };
  };
  const keep = ({ index, tally: part }: ThreadAnswer) => {
    results[index] = part;
    done++;
    points += part.points;
    onProgress?.(done / jobs.length, points);
  };
  const workers = Array.from(
    { length: Math.min(threads, jobs.length) },
    () => new Worker(WORKER, { workerData: options }),
  );
  const interruption = interruptionOf(signal);
  try {
    await Promise.race([Promise.all(workers.map((worker) => serve(worker, take, keep))), interruption.happens]);
  } finally {
    interruption.forget();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  for (const part of results) if (part !== undefined) mergeTally(tally, part);
  return { ...tally, operations };
}

/** Rejects when the signal is aborted, without waiting for threads to finish their parts. */
function interruptionOf(signal: AbortSignal | undefined): { readonly happens: Promise<never>; forget(): void } {
  let onAbort = (): void => undefined;
  const happens = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal?.reason);
  });
  signal?.addEventListener("abort", onAbort, { once: true });
  return { happens, forget: () => signal?.removeEventListener("abort", onAbort) };
}

/** Gives a thread one task after the other until there are no more. */
function serve(
  worker: Worker,
  take: () => ThreadTask | undefined,
  keep: (answer: ThreadAnswer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const feed = () => {
      try {
        const task = take();
        if (task === undefined) resolve();
        else worker.postMessage(task);
      } catch (error) {
        reject(error);
      }
    };
    worker.on("error", reject);
    worker.on("message", (answer: ThreadAnswer) => {
      keep(answer);
      feed();
    });
    feed();
  });
}
