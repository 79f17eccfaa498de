import { type CommandOutput, TransferRate } from "@tinybms/cli-kit/output";
import { CHUNK_SIZE } from "@tinybms/ota-core";
import type { SimulatedDevice } from "../device/device.ts";

/** Minimum number of devices for a summary line. Below it, the lines of the devices say everything. */
const DEVICES_MIN = 9;

/** Time between two summaries on a terminal, which replaces the line, and elsewhere, in milliseconds. */
const REDRAW_MS = 1_000;
const LINE_MS = 10_000;

/** What a summary needs of a device. */
export type SummarizedState = Pick<SimulatedDevice, "status" | "state" | "report">;

/** Counts devices by state and adds up what they have received and miss, in bytes. */
export function sampleFleet(devices: readonly SummarizedState[]): {
  readonly states: string;
  readonly received: number;
  readonly missing: number;
} {
  const counts = new Map<string, number>();
  let [received, missing] = [0, 0];
  for (const { status, state, report } of devices) {
    const word = status === "running" ? (state ?? "idle") : status;
    counts.set(word, (counts.get(word) ?? 0) + 1);
    if (word !== "downloading" || report === undefined) continue;
    received += report.received * CHUNK_SIZE;
    missing += (report.total - report.received) * CHUNK_SIZE;
  }
  const states = [...counts].map(([word, count]) => `${count} ${word}`).join(", ");
  return { states, received, missing };
}

/**
 * Shows the states of many devices, their rate and the time left, on standard error: on a terminal as a line that is
 * replaced every second, elsewhere as a line every ten seconds.
 *
 * @returns A function that ends it.
 */
export function showFleet(devices: () => readonly SimulatedDevice[], output: CommandOutput): () => void {
  if (output.quiet || devices().length < DEVICES_MIN) return () => undefined;
  const rate = new TransferRate();
  const show = (): void => {
    const { states, received, missing } = sampleFleet(devices());
    rate.add(received, performance.now());
    const speed = rate.text(missing);
    const text = `${devices().length} devices: ${states}${speed === "" ? "" : `; ${speed}`}`;
    if (output.isInteractive) output.world.stderr.write(`\r\x1b[2K${text}\r`);
    else output.note(text);
  };
  const timer = setInterval(show, output.isInteractive ? REDRAW_MS : LINE_MS);
  return () => {
    clearInterval(timer);
    if (output.isInteractive) output.world.stderr.write("\r\x1b[2K");
  };
}
