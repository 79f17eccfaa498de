import type { CommandOutput } from "@tinybms/cli-kit/output";

const BAR_WIDTH = 30;

/** Options for running a sweep. */
interface SweepRun {
  readonly threads: number;
  readonly signal: AbortSignal;
  readonly onProgress: (part: number, points: number) => void;
}

/**
 * Runs a sweep with a progress line and measures its time.
 *
 * @returns `undefined` if the user interrupted it.
 */
export async function runWithProgress<Result>(
  output: CommandOutput,
  threads: number,
  sweep: (run: SweepRun) => Promise<Result>,
): Promise<{ readonly result: Result; readonly durationMs: number } | undefined> {
  const progress = new ProgressLine(output);
  const { signal } = output.world;
  const startedAt = performance.now();
  const onProgress: SweepRun["onProgress"] = (part, points) =>
    progress.show(part, points, performance.now() - startedAt);
  try {
    const result = await sweep({ threads, signal, onProgress });
    return { result, durationMs: Math.round(performance.now() - startedAt) };
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    progress.clear();
  }
}

/** A line on a terminal that shows the progress of a sweep. Without a terminal, it shows nothing. */
class ProgressLine {
  readonly #output: CommandOutput;
  readonly #isShown: boolean;

  constructor(output: CommandOutput) {
    this.#output = output;
    const { stderr, env } = output.world;
    this.#isShown = stderr.isTTY === true && env.TERM !== "dumb" && !output.quiet;
  }

  /**
   * Shows the progress.
   *
   * @param part - Fraction done, 0 to 1.
   * @param points - Number of cuts so far.
   * @param elapsedMs - Time since the start, in milliseconds.
   */
  show(part: number, points: number, elapsedMs: number): void {
    if (!this.#isShown) return;
    const filled = Math.round(part * BAR_WIDTH);
    const bar = `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)}`;
    const rate = Math.round((points / Math.max(elapsedMs, 1)) * 1000);
    const text = `${bar} ${String(Math.floor(part * 100)).padStart(3)} %  ${points} cuts, ${rate} a second`;
    this.#output.world.stderr.write(`\r${text}\u001b[K`);
  }

  /** Clears the line. */
  clear(): void {
    if (this.#isShown) this.#output.world.stderr.write("\r\u001b[K");
  }
}
