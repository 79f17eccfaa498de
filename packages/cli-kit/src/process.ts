import type { CommandWorld } from "./command-output.ts";
import { OutputFaults } from "./output-faults.ts";

/** Maximum time for a process to end after its result, and after an interruption, in milliseconds. */
const END_MS = { result: 500, interruption: 1_500 };

/**
 * Runs a program in this process: SIGINT and SIGTERM abort its signal, and a second one ends the process at once. The
 * process ends soon after the result or an interruption, even if the operating system still waits for something.
 *
 * @param run - The program. Returns its exit code.
 */
export async function runInProcess(
  run: (argv: readonly string[], world: CommandWorld) => Promise<number>,
): Promise<void> {
  const interrupt = new AbortController();
  let isInterrupted = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, async () => {
      // A second signal means that the user does not want to wait.
      if (isInterrupted) process.exit(130);
      isInterrupted = true;
      endWithin(END_MS.interruption, 130);
      const { OtaError } = await import("@tinybms/ota-core");
      interrupt.abort(new OtaError("delivery/interrupted", "interrupted", {}));
    });
  }
  const faults = new OutputFaults();
  process.exitCode = await run(process.argv.slice(2), {
    // Opening a stream takes a millisecond, and most commands need only one.
    get stdout() {
      return faults.watch(process.stdout);
    },
    get stderr() {
      return faults.watch(process.stderr);
    },
    env: process.env,
    signal: interrupt.signal,
  });
  endWithin(END_MS.result);
}

/**
 * Ends the process after a delay, unless it ends by itself earlier. Commands leave nothing open, but some system calls
 * can't be canceled, for example while a name server does not answer.
 */
function endWithin(delayMs: number, exitCode?: number): void {
  setTimeout(() => {
    // On Windows output to a pipe may still be on its way.
    if (process.stdout.writableLength > 0) process.stdout.once("drain", () => process.exit(exitCode));
    else process.exit(exitCode);
  }, delayMs).unref();
}
