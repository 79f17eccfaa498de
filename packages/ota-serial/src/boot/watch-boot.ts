import { OtaError } from "@tinybms/ota-core";
import type { SerialLine } from "../line/serial-line.ts";
import { brownOut } from "../loader/connect-fault.ts";
import { BootLog, type BootState } from "./boot-log.ts";

/** What to wait for after a board's reset. */
export interface BootWatch {
  /** Version that should start. `undefined` and the empty string accept any. */
  readonly version: string | undefined;
  readonly seconds: number;
  /** Called with all received bytes. */
  readonly onBytes?: (bytes: Uint8Array) => void;
}

/** The app that started. */
export interface BootReport {
  /** Version in the app's log. `undefined` if the app started and its log has none. */
  readonly version: string | undefined;
  readonly projectName: string | undefined;
}

/** How long an app that logs no version must run without a failure, in milliseconds. */
const CALM_MS = 3000;

/**
 * Reads a board's log after a reset until the app has logged its version.
 *
 * An app whose log is turned off counts as started if the bootloader has loaded it and no failure follows within three
 * seconds.
 *
 * @throws {@link OtaError} `serial/boot-failed`.
 * @throws {@link OtaError} `serial/brown-out`.
 * @throws {@link OtaError} `serial/wrong-version`.
 * @throws {@link OtaError} `serial/boot-unseen`.
 * @throws {@link OtaError} `serial/port-lost`.
 */
export async function watchBoot(line: SerialLine, { version, seconds, onBytes }: BootWatch): Promise<BootReport> {
  const log = new BootLog();
  const deadline = line.now() + 1000 * seconds;
  let loadedAt: number | undefined;
  for (;;) {
    const now = line.now();
    const { state } = log;
    if (state.isFinal) break;
    if (state.version !== undefined) return versionReport(line.port, state, version);
    if (loadedAt !== undefined && state.trouble === undefined && now - loadedAt >= CALM_MS) break;
    if (now >= deadline) break;
    const bytes = await line.read(Math.min(deadline - now, 250));
    onBytes?.(bytes);
    const { loadedFrom } = log.push(bytes);
    if (loadedFrom !== undefined) loadedAt ??= line.now();
  }
  return reportWithoutVersion(line, log.state, seconds);
}

function versionReport(
  port: string,
  { version, projectName, trouble }: BootState,
  expected: string | undefined,
): BootReport {
  const found = version ?? "";
  // The log and the descriptor both hold at most 31 characters of a version.
  if (expected === undefined || expected === "" || found === expected) return { version, projectName };
  const why = trouble === undefined ? "" : `: ${trouble}`;
  const message = `the board on ${port} started version ${found}, not ${expected}${why}`;
  const hint =
    "its bootloader chose another slot; flash --monitor shows its log, and inspect of what read-flash saves shows its otadata";
  throw new OtaError("serial/wrong-version", message, { port, expected, found }, { hint });
}

/** Returns the report of a start without a version in the log, or throws what kept the board from starting. */
function reportWithoutVersion({ port, hasSignals }: SerialLine, state: BootState, seconds: number): BootReport {
  const { trouble, loadedFrom, bytes } = state;
  if (trouble?.includes("brownout") === true) throw brownOut(port);
  if (trouble !== undefined || state.isFinal) {
    const reason = trouble ?? "it resets repeatedly";
    const message = `the board on ${port} was flashed and verified, but does not start: ${reason}`;
    const hint =
      "flash --monitor shows its log; wrong flash mode or size in menuconfig, a missing bootloader or partition table are usual causes";
    throw new OtaError("serial/boot-failed", message, { port, reason }, { hint });
  }
  if (loadedFrom !== undefined) return { version: undefined, projectName: state.projectName };
  const what = bytes === 0 ? "it sent nothing" : "its log mentions no app";
  const message = `the board on ${port} was flashed and verified, but did not report its start: ${what} within ${seconds} s`;
  const hint = hasSignals
    ? "its log may be off or at another baud rate; --watch 0 skips this check, a longer --watch waits for a slow board"
    : "this port can't reset a board: press its EN button, or use rfc2217://, which can; --watch 0 skips this check";
  throw new OtaError("serial/boot-unseen", message, { port, seconds }, { hint });
}
