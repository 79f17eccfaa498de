import { OtaError } from "@tinybms/ota-core";
import type { SerialLine } from "../line/serial-line.ts";
import { brownOut } from "../loader/connect-fault.ts";
import { BootLog, type BootState } from "./boot-log.ts";

/** What a board is watched for after its reset. */
export interface BootWatch {
  /** The version that should start; `undefined` or empty: any. */
  readonly version: string | undefined;
  readonly seconds: number;
  /** Given all that comes, as it comes. */
  readonly onBytes?: (bytes: Uint8Array) => void;
}

/** What a start came to. */
export interface BootReport {
  /** As the app said; `undefined` if it started and its log names none. */
  readonly version: string | undefined;
  readonly projectName: string | undefined;
}

/** How long an app that says no version must run without trouble, in milliseconds. */
const CALM_MS = 3000;

/**
 * Reads a board's log from its reset on until the app has said its version.
 *
 * An app whose log is turned off counts as started where the bootloader has loaded it, and three seconds bring no
 * trouble.
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
    if (state.version !== undefined) return judged(line.port, state, version);
    if (loadedAt !== undefined && state.trouble === undefined && now - loadedAt >= CALM_MS) break;
    if (now >= deadline) break;
    const bytes = await line.read(Math.min(deadline - now, 250));
    onBytes?.(bytes);
    const { loadedFrom } = log.push(bytes);
    if (loadedFrom !== undefined) loadedAt ??= line.now();
  }
  return unsaid(line, log.state, seconds);
}

function judged(port: string, { version, projectName, trouble }: BootState, expected: string | undefined): BootReport {
  const found = version ?? "";
  // The log shows 31 characters of a version at most, as the descriptor does.
  if (expected === undefined || expected === "" || found === expected) return { version, projectName };
  const why = trouble === undefined ? "" : `: ${trouble}`;
  const message = `the board on ${port} started version ${found}, not ${expected}${why}`;
  const hint =
    "its bootloader took another slot: flash --monitor shows its log, and inspect of a read-flash its otadata";
  throw new OtaError("serial/wrong-version", message, { port, expected, found }, { hint });
}

/** No version was said. */
function unsaid({ port, hasSignals }: SerialLine, state: BootState, seconds: number): BootReport {
  const { trouble, loadedFrom, bytes } = state;
  if (trouble?.includes("brownout") === true) throw brownOut(port);
  if (trouble !== undefined || state.isFinal) {
    const reason = trouble ?? "it resets again and again";
    const message = `the board on ${port} was flashed and verified, and does not start: ${reason}`;
    const hint =
      "flash --monitor shows its log; wrong flash mode or size in menuconfig, a missing bootloader or partition table are usual causes";
    throw new OtaError("serial/boot-failed", message, { port, reason }, { hint });
  }
  if (loadedFrom !== undefined) return { version: undefined, projectName: state.projectName };
  const what = bytes === 0 ? "nothing was heard of it" : "its log says nothing of an app";
  const message = `the board on ${port} was flashed and verified; whether it starts is not known: ${what} within ${seconds} s`;
  const hint = hasSignals
    ? "its log may be off or at another rate: --watch 0 does without, a longer --watch waits for a slow board"
    : "this port can't reset a board: press its EN button, or use rfc2217://, which can; --watch 0 does without";
  throw new OtaError("serial/boot-unseen", message, { port, seconds }, { hint });
}
