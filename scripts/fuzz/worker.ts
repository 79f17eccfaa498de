/** Fuzzes some parsers in a thread of its own, so that one that never ends can be told from outside. */
import { parentPort, workerData } from "node:worker_threads";
import { fuzzTarget } from "./fuzz-target.ts";
import { COUNTERS_NAME } from "./instrument.ts";
import { type Core, targetsOf } from "./targets.ts";

/** What a worker is told. */
export interface WorkerTask {
  /** The bundle with counters. */
  readonly file: string;
  readonly counters: number;
  readonly seed: number;
  /** Executions of each parser. */
  readonly executions: number;
  readonly targets: readonly string[];
  /** Number of the execution under way, index of its parser, bytes of its input; then the input. */
  readonly shared: SharedArrayBuffer;
}

/** What a worker says of a parser that it is done with. */
export interface WorkerReport {
  readonly target: string;
  readonly executions: number;
  readonly corpus: number;
  readonly finding: { readonly input: Uint8Array; readonly stack: string } | undefined;
}

/** Bytes of {@link WorkerTask.shared} before the input. */
export const SHARED_HEADER_SIZE = 12;

const port = parentPort;
if (port !== null) await work(workerData);

async function work({ file, counters, seed, executions, targets, shared }: WorkerTask): Promise<void> {
  const counts = new Uint8Array(Math.ceil(counters / 4) * 4);
  Object.assign(globalThis, { [COUNTERS_NAME]: counts });
  const core: Core = await import(file);
  const [state, bytes] = [new Uint32Array(shared, 0, 3), new Uint8Array(shared, SHARED_HEADER_SIZE)];
  // Errors are made by the hundred thousand, and nobody reads where.
  Error.stackTraceLimit = 0;
  for (const target of targetsOf(core)) {
    const index = targets.indexOf(target.name);
    if (index < 0) continue;
    const onInput = (input: Uint8Array): void => {
      bytes.set(input);
      state[2] = input.length;
      state[1] = index;
      Atomics.add(state, 0, 1);
    };
    const isExpected = (error: unknown): boolean => core.isOtaError(error);
    const result = fuzzTarget(target, { executions, seed }, counts, isExpected, { onInput });
    const report: WorkerReport = {
      target: target.name,
      executions: result.executions,
      corpus: result.corpus.length,
      finding:
        result.finding === undefined
          ? undefined
          : { input: result.finding.input, stack: stackOf(target, result.finding.input) },
    };
    port?.postMessage(report);
  }
}

/** The same once more, with where it was thrown. */
function stackOf(target: { readonly run: (bytes: Uint8Array) => void }, input: Uint8Array): string {
  Error.stackTraceLimit = 30;
  try {
    target.run(input);
    return "it did not throw a second time";
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    Error.stackTraceLimit = 0;
  }
}
