import { SingleBar } from "cli-progress";
import { BAR_LOOK } from "./bar-look.ts";
import type { CommandConsole } from "./console.ts";

/** Shows how much of a file has left, while a delivery runs that no device answers. */
export interface ByteProgress {
  /** So many bytes have left; fewer than before when it begins anew. */
  update(bytesSent: number): void;
  /** One line of text that stays. */
  note(text: string): void;
  /** Ends the view; what it drew stays. */
  stop(): void;
}

/**
 * A bar on a terminal, else a line at each quarter. Nothing with `--quiet`.
 *
 * @param label - What is sent where, on one line.
 */
export function createByteProgress(console: CommandConsole, label: string, totalBytes: number): ByteProgress {
  if (console.quiet) return { update: () => undefined, note: () => undefined, stop: () => undefined };
  return console.isInteractive
    ? new BarProgress(console, label, totalBytes)
    : new LineProgress(console, label, totalBytes);
}

class LineProgress implements ByteProgress {
  readonly #console: CommandConsole;
  readonly #label: string;
  readonly #totalBytes: number;
  #quarter = 0;

  constructor(console: CommandConsole, label: string, totalBytes: number) {
    this.#console = console;
    this.#label = label;
    this.#totalBytes = totalBytes;
  }

  update(bytesSent: number): void {
    const quarter = Math.floor((4 * bytesSent) / Math.max(1, this.#totalBytes));
    if (quarter > this.#quarter) this.#console.note(`${this.#label}: ${25 * quarter}%`);
    this.#quarter = quarter;
  }

  note(text: string): void {
    this.#console.note(text);
  }

  stop(): void {}
}

class BarProgress implements ByteProgress {
  readonly #console: CommandConsole;
  readonly #bar: SingleBar;
  readonly #totalBytes: number;
  readonly #payload: { readonly text: string };
  #bytesSent = 0;

  constructor(console: CommandConsole, label: string, totalBytes: number) {
    this.#console = console;
    this.#totalBytes = totalBytes;
    this.#payload = { text: label };
    this.#bar = new SingleBar({ ...BAR_LOOK, stream: console.world.stderr });
    this.#bar.start(totalBytes, 0, this.#payload);
  }

  update(bytesSent: number): void {
    this.#bytesSent = bytesSent;
    this.#bar.update(bytesSent, this.#payload);
  }

  note(text: string): void {
    // A single bar can't write above itself: it ends, and begins anew below the text.
    this.#bar.stop();
    this.#console.note(text);
    this.#bar.start(this.#totalBytes, this.#bytesSent, this.#payload);
  }

  stop(): void {
    this.#bar.stop();
  }
}
