import { type CommandOutput, ExitCode } from "@tinybms/cli-kit/output";
import { loadSerial, type SerialPackage } from "../serial/load-serial.ts";
import { onlyPortOf, type PortOptions } from "./flash-options.ts";

/** Options of `tinybms-ota monitor`, as commander reads them. */
export interface MonitorCommandOptions extends PortOptions {
  /** Restart the board first. */
  readonly reset?: boolean;
  /** Seconds; without it until it is interrupted. */
  readonly seconds?: number | undefined;
}

/** How long one look at the port lasts, in milliseconds: the longest time that an interruption takes. */
const LOOK_MS = 200;

/**
 * Shows what a board prints, until it is interrupted.
 *
 * @returns The exit code.
 * @throws OtaError `serial/…`.
 */
export async function runMonitor(options: MonitorCommandOptions, output: CommandOutput): Promise<number> {
  const serial = await loadSerial();
  const port = await onlyPortOf(serial, options);
  const { baud: baudRate, reset = false, seconds } = options;
  const bytes = await monitorPort(serial, port, output, { baudRate, reset, seconds });
  output.printJson({ port, bytes });
  return ExitCode.done;
}

/**
 * Writes what a port receives to standard output, or with `--json` to standard error.
 *
 * @returns How many bytes it was.
 */
export async function monitorPort(
  serial: SerialPackage,
  port: string,
  output: CommandOutput,
  {
    baudRate,
    reset,
    seconds,
  }: { readonly baudRate: number; readonly reset: boolean; readonly seconds?: number | undefined },
): Promise<number> {
  const { signal, stdout, stderr } = output.world;
  const line = await serial.openPort(port, baudRate);
  const out = output.json ? stderr : stdout;
  const deadline = seconds === undefined ? Number.POSITIVE_INFINITY : line.now() + 1000 * seconds;
  let count = 0;
  try {
    if (reset) await serial.runReset(line, serial.hardReset(line.usb));
    while (!signal.aborted && line.now() < deadline) {
      const bytes = await line.read(Math.min(LOOK_MS, deadline - line.now()));
      count += bytes.length;
      if (bytes.length > 0) out.write(bytes);
    }
  } finally {
    await line.close();
  }
  return count;
}
