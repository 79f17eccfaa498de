import { type CommandOutput, ExitCode, exitCodeOf, printable } from "@tinybms/cli-kit/output";
import { createProgressView } from "../console/progress-view.ts";
import { portsOf } from "../serial/board-ports.ts";
import { boardsError, flashBoards } from "../serial/flash-boards.ts";
import { loadSerial, type SerialPackage } from "../serial/load-serial.ts";
import { flashContentOf } from "./flash-content.ts";
import { assertConsistent, type FlashCommandOptions, onlyPortOf, reachOf } from "./flash-options.ts";
import { flashDocument, reportBoard, reportPorts } from "./flash-report.ts";
import { monitorPort } from "./monitor.ts";

/**
 * Flashes boards over a serial cable: a release, an app, or a whole flash.
 *
 * @returns The exit code. Errors of single boards are printed and are in the document.
 * @throws {@link OtaError} Errors before flashing: in arguments, manifests or files, or if there is no port.
 */
export async function runFlash(options: FlashCommandOptions, output: CommandOutput): Promise<number> {
  const serial = await loadSerial();
  if (options.list === true) {
    reportPorts(await serial.listPorts(), output);
    return ExitCode.done;
  }
  assertConsistent(options);
  const content = await flashContentOf(serial, options, (text) => output.warn(printable(text)));
  const ports = options.monitor === true ? [await onlyPortOf(serial, options)] : await portsOf(serial, options);
  const { signal } = output.world;
  const { watch: watchSeconds, dryRun = false } = options;
  const job = { content, reach: reachOf(serial, options), watchSeconds, dryRun, signal };
  const onLog = options.monitor === true ? (bytes: Uint8Array) => writeLog(output, bytes) : undefined;
  const view = createProgressView(output, 1);
  const told = { onDevice: view.update.bind(view), onNote: view.note.bind(view), onLog };
  const records = await flashBoards(serial, ports, job, told).finally(() => view.stop());
  for (const record of records) reportBoard(record, output);
  const error = boardsError(records);
  if (options.monitor === true) await continueMonitoring(serial, ports, output);
  output.printJson(flashDocument(options, records, error));
  return error === undefined ? ExitCode.done : exitCodeOf(error);
}

/** Writes a board's log to stdout; with `--json`, to stderr. */
function writeLog(output: CommandOutput, bytes: Uint8Array): void {
  const stream = output.json ? output.world.stderr : output.world.stdout;
  stream.write(bytes);
}

async function continueMonitoring(
  serial: SerialPackage,
  [port]: readonly string[],
  output: CommandOutput,
): Promise<void> {
  if (port === undefined || output.world.signal.aborted) return;
  await monitorPort(serial, port, output, { baudRate: serial.BAUD_RATE_DEFAULT, reset: false });
}
