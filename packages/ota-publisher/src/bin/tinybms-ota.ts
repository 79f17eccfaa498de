#!/usr/bin/env node

// Node 22.8 and later keep the compiled form of what is imported from here on, so nothing is imported before.
process.getBuiltinModule("node:module").enableCompileCache?.();

/** How long a process may take to end after its result, and after an interruption, in milliseconds. */
const END_MS = { result: 500, interruption: 1_500 };

/**
 * Ends the process unless it ends by itself before. Commands leave nothing behind, but some waits of the operating system
 * can't be cancelled, such as a name server's that does not answer.
 */
function endWithin(delayMs: number, exitCode?: number): void {
  setTimeout(() => {
    // On Windows output to a pipe may still be on its way.
    if (process.stdout.writableLength > 0) process.stdout.once("drain", () => process.exit(exitCode));
    else process.exit(exitCode);
  }, delayMs).unref();
}

const interrupt = new AbortController();
let isInterrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, async () => {
    // Who asks twice does not want to wait for a clean end.
    if (isInterrupted) process.exit(130);
    isInterrupted = true;
    endWithin(END_MS.interruption, 130);
    const { OtaError } = await import("@tinybms/ota-core");
    interrupt.abort(new OtaError("delivery/interrupted", "interrupted", {}));
  });
}

const { OutputFaults } = await import("./output-faults.ts");
const faults = new OutputFaults();
const { runCli } = await import("../cli/run-cli.ts");
process.exitCode = await runCli(process.argv.slice(2), {
  // Opening a stream takes a millisecond, and most commands need one.
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
