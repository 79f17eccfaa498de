import { type CommandConsole, printable } from "../console/console.ts";
import { ExitCode, exitCodeOf } from "../console/exit-code.ts";
import { boardsError, flashBoards } from "../serial/flash-boards.ts";
import { loadSerial, type SerialPackage } from "../serial/load-serial.ts";
import { flashContentOf } from "./flash-content.ts";
import { type FlashCommandOptions, onlyPortOf, portsOf, reachOf, refuseContradictions } from "./flash-options.ts";
import { flashDocument, reportBoard, reportPorts } from "./flash-report.ts";
import { monitorPort } from "./monitor.ts";

/**
 * Flashes boards at a cable: a release, an app, or a whole flash.
 *
 * @returns The exit code; what went wrong with a board is in the document, and told.
 * @throws OtaError for what is wrong before: arguments, manifests, files, no port.
 */
export async function runFlash(options: FlashCommandOptions, console: CommandConsole): Promise<number> {
  const serial = await loadSerial();
  if (options.list === true) {
    reportPorts(await serial.listPorts(), console);
    return ExitCode.done;
  }
  refuseContradictions(options);
  const content = await flashContentOf(serial, options, (text) => console.warn(printable(text)));
  const ports = options.monitor === true ? [await onlyPortOf(serial, options)] : await portsOf(serial, options);
  const { signal } = console.world;
  const { watch: watchSeconds, dryRun = false } = options;
  const job = { content, reach: reachOf(serial, options), watchSeconds, dryRun, signal };
  const onLog = options.monitor === true ? (_: string, bytes: Uint8Array) => writeLog(console, bytes) : undefined;
  const records = await flashBoards(serial, ports, job, console, onLog);
  for (const record of records) reportBoard(record, console);
  const error = boardsError(records);
  if (options.monitor === true) await watchOn(serial, ports, console);
  console.printJson(flashDocument(options, records, error));
  return error === undefined ? ExitCode.done : exitCodeOf(error);
}

/** A board's log goes where results go, unless those are for a program. */
function writeLog(console: CommandConsole, bytes: Uint8Array): void {
  const stream = console.json ? console.world.stderr : console.world.stdout;
  stream.write(bytes);
}

async function watchOn(serial: SerialPackage, [port]: readonly string[], console: CommandConsole): Promise<void> {
  if (port === undefined || console.world.signal.aborted) return;
  await monitorPort(serial, port, console, { baudRate: serial.BAUD_RATE_DEFAULT, reset: false });
}
