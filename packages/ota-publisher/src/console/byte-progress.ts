import { type CommandOutput, sizeText, TransferRate } from "@tinybms/cli-kit/output";
import { SingleBar } from "cli-progress";
import { BAR_LOOK } from "./bar-look.ts";

/** Shows how much of a file has been sent, during a delivery that no device answers. */
export interface ByteProgress {
  /** Shows the number of bytes sent. It may decrease when sending starts over. */
  update(bytesSent: number): void;
  /** Prints one line of text. */
  note(text: string): void;
  /** Ends the view and leaves its last state on the terminal. */
  stop(): void;
}

/**
 * Creates a progress view: a bar on a terminal, otherwise one line at each quarter; nothing with `--quiet`.
 *
 * @param label - Name of the transfer, on one line.
 */
export function createByteProgress(output: CommandOutput, label: string, totalBytes: number): ByteProgress {
  if (output.quiet) return { update: () => undefined, note: () => undefined, stop: () => undefined };
  return output.isInteractive
    ? new BarProgress(output, label, totalBytes)
    : new LineProgress(output, label, totalBytes);
}

class LineProgress implements ByteProgress {
  readonly #output: CommandOutput;
  readonly #label: string;
  readonly #totalBytes: number;
  #quarter = 0;

  constructor(output: CommandOutput, label: string, totalBytes: number) {
    this.#output = output;
    this.#label = label;
    this.#totalBytes = totalBytes;
  }

  update(bytesSent: number): void {
    const quarter = Math.floor((4 * bytesSent) / Math.max(1, this.#totalBytes));
    if (quarter > this.#quarter) this.#output.note(`${this.#label}: ${25 * quarter}%`);
    this.#quarter = quarter;
  }

  note(text: string): void {
    this.#output.note(text);
  }

  stop(): void {}
}

class BarProgress implements ByteProgress {
  readonly #output: CommandOutput;
  readonly #bar: SingleBar;
  readonly #totalBytes: number;
  readonly #label: string;
  readonly #rate = new TransferRate();
  #bytesSent = 0;

  constructor(output: CommandOutput, label: string, totalBytes: number) {
    this.#output = output;
    this.#totalBytes = totalBytes;
    this.#label = label;
    this.#bar = new SingleBar({ ...BAR_LOOK, stream: output.world.stderr });
    this.#bar.start(totalBytes, 0, { text: label });
  }

  update(bytesSent: number): void {
    this.#bytesSent = bytesSent;
    this.#rate.add(bytesSent, performance.now());
    this.#bar.update(bytesSent, { text: this.#text() });
  }

  note(text: string): void {
    // A single bar can't print above itself, so it stops and starts again below the text.
    this.#bar.stop();
    this.#output.note(text);
    this.#bar.start(this.#totalBytes, this.#bytesSent, { text: this.#text() });
  }

  stop(): void {
    this.#bar.stop();
  }

  /** Returns label, bytes, rate and remaining time. */
  #text(): string {
    const speed = this.#rate.text(this.#totalBytes - this.#bytesSent);
    const moved = `${this.#label}  ${sizeText(this.#bytesSent)} of ${sizeText(this.#totalBytes)}`;
    return speed === "" ? moved : `${moved}, ${speed}`;
  }
}
