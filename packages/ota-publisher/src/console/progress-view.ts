import { type CommandOutput, printable, sizeText, TransferRate } from "@tinybms/cli-kit/output";
import { MultiBar, type SingleBar } from "cli-progress";
import { BAR_LOOK } from "./bar-look.ts";
import { errorText, runningText, type ShownDevice, stateStyle, stateWord } from "./device-text.ts";

/** Shows the progress of devices during a delivery. */
export interface ProgressView {
  update(device: ShownDevice): void;
  /** Prints one line of text. */
  note(text: string): void;
  /** Ends the view and leaves its last state on the terminal. */
  stop(): void;
}

/** Largest number of devices with a bar each. More devices share one bar. */
const BARS_MAX = 8;

/**
 * Creates a progress view: bars on a terminal, otherwise one line per change of state; nothing with `--quiet`.
 *
 * @param unitBytes - Number of bytes of which the devices count `received` and `total`.
 */
export function createProgressView(output: CommandOutput, unitBytes: number): ProgressView {
  if (output.quiet) return { update: () => undefined, note: () => undefined, stop: () => undefined };
  return output.isInteractive ? new BarView(output, unitBytes) : new LineView(output);
}

/** Prints one line for each change of a device's state. */
class LineView implements ProgressView {
  readonly #output: CommandOutput;
  readonly #shown = new Map<string, string>();

  constructor(output: CommandOutput) {
    this.#output = output;
  }

  update(device: ShownDevice): void {
    if (device.state === undefined) return;
    const word = stateWord(device);
    if (this.#shown.get(device.device) === word) return;
    this.#shown.set(device.device, word);
    const parts = [word, runningText(device), errorText(device)].filter((part) => part !== "");
    this.#output.note(`${printable(device.device)}: ${parts.join(", ")}`);
  }

  note(text: string): void {
    this.#output.note(text);
  }

  stop(): void {}
}

/** Draws a bar for each of up to eight devices, or one bar for more devices. */
class BarView implements ProgressView {
  readonly #output: CommandOutput;
  readonly #multiBar: MultiBar;
  readonly #devices = new Map<string, ShownDevice>();
  readonly #bars = new Map<string, SingleBar>();
  readonly #rates = new Map<string, TransferRate>();
  readonly #rate = new TransferRate();
  readonly #unitBytes: number;
  #summary: SingleBar | undefined;

  constructor(output: CommandOutput, unitBytes: number) {
    this.#output = output;
    this.#unitBytes = unitBytes;
    this.#multiBar = new MultiBar({ ...BAR_LOOK, stream: output.world.stderr });
  }

  update(device: ShownDevice): void {
    this.#devices.set(device.device, device);
    if (this.#devices.size <= BARS_MAX) this.#updateBar(device);
    else this.#updateSummary();
  }

  note(text: string): void {
    this.#multiBar.log(`${text}\n`);
  }

  stop(): void {
    this.#multiBar.stop();
  }

  #updateBar(device: ShownDevice): void {
    const word = this.#output.errorStyle(stateStyle(device), stateWord(device).padEnd(16));
    const total = Math.max(1, device.total);
    const value = isComplete(device) ? total : Math.min(device.received, total);
    const moved = device.state === "downloading" ? this.#transferText(this.#rateOf(device.device), value, total) : "";
    const text = `${printable(device.device)}  ${word} ${[runningText(device), moved].filter(Boolean).join("; ")}`;
    const bar = this.#bars.get(device.device);
    if (bar === undefined) {
      this.#bars.set(device.device, this.#multiBar.create(total, value, { text }));
      return;
    }
    bar.setTotal(total);
    bar.update(value, { text });
  }

  #updateSummary(): void {
    for (const bar of this.#bars.values()) this.#multiBar.remove(bar);
    this.#bars.clear();
    const counts = new Map<string, number>();
    let [received, total] = [0, 0];
    for (const device of this.#devices.values()) {
      const word = device.state ?? "not heard of";
      counts.set(word, (counts.get(word) ?? 0) + 1);
      received += isComplete(device) ? device.total : device.received;
      total += device.total;
    }
    const states = [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
    const text = `${this.#devices.size} devices: ${states}; ${this.#transferText(this.#rate, received, total)}`;
    this.#summary ??= this.#multiBar.create(1, 0, { text });
    this.#summary.setTotal(Math.max(1, total));
    this.#summary.update(Math.min(received, total), { text });
  }

  /** Returns bytes, rate and remaining time, as far as they are known. */
  #transferText(rate: TransferRate, received: number, total: number): string {
    const [bytes, all] = [received * this.#unitBytes, total * this.#unitBytes];
    rate.add(bytes, performance.now());
    return [`${sizeText(bytes)} of ${sizeText(all)}`, rate.text(all - bytes)].filter((part) => part !== "").join(", ");
  }

  #rateOf(device: string): TransferRate {
    const rate = this.#rates.get(device) ?? new TransferRate();
    this.#rates.set(device, rate);
    return rate;
  }
}

/** Returns `true` if a device needs no more chunks, regardless of its last count. */
function isComplete({ state }: ShownDevice): boolean {
  return ["verifying", "ready-to-reboot", "pending-verify", "confirmed", "rolled-back"].includes(state ?? "");
}
