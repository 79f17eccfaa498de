import { type CommandOutput, ExitCode } from "@tinybms/cli-kit/output";
import { loadSerial, type SerialPackage } from "../serial/load-serial.ts";
import { onlyPortOf, type PortOptions } from "./flash-options.ts";

/** Options of `tinybms-ota monitor`, as commander parses them. */
export interface MonitorCommandOptions extends PortOptions {
  /** Resets the board first. */
  readonly reset?: boolean;
  /** How long to run, in seconds. @defaultValue Until interrupted */
  readonly seconds?: number | undefined;
}

/** Maximum wait of one read of the port, in milliseconds, and so of an interruption. */
const READ_MS = 200;

/**
 * Shows what a board prints until the command is interrupted.
 *
 * @returns The exit code.
 * @throws {@link OtaError} `serial/…`.
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
 * Writes the bytes that a port receives to stdout; with `--json`, to stderr.
 *
 * @returns The number of bytes.
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
      const bytes = await line.read(Math.min(READ_MS, deadline - line.now()));
      count += bytes.length;
      if (bytes.length > 0) out.write(bytes);
    }
  } finally {
    await line.close();
  }
  return count;
}
