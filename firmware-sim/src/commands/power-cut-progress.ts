import type { CommandOutput } from "@tinybms/cli-kit/output";

const BAR_WIDTH = 30;

/** One line on a terminal that says how far a sweep is; nothing elsewhere. */
export class ProgressLine {
  readonly #output: CommandOutput;
  readonly #isShown: boolean;

  constructor(output: CommandOutput) {
    this.#output = output;
    const { stderr, env } = output.world;
    this.#isShown = stderr.isTTY === true && env.TERM !== "dumb" && !output.quiet;
  }

  /**
   * @param part - How much is done, 0 to 1.
   * @param points - Cuts made so far.
   */
  show(part: number, points: number, elapsedMs: number): void {
    if (!this.#isShown) return;
    const filled = Math.round(part * BAR_WIDTH);
    const bar = `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)}`;
    const rate = Math.round((points / Math.max(elapsedMs, 1)) * 1000);
    const text = `${bar} ${String(Math.floor(part * 100)).padStart(3)} %  ${points} cuts, ${rate} a second`;
    this.#output.world.stderr.write(`\r${text}\u001b[K`);
  }

  /** Leaves the line to others. */
  clear(): void {
    if (this.#isShown) this.#output.world.stderr.write("\r\u001b[K");
  }
}
