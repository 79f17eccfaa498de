#!/usr/bin/env node
import { runSimCli } from "../cli.ts";
import { OutputFaults } from "./output-errors.ts";

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
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // Who asks twice does not want to wait for a clean end.
    if (interrupt.signal.aborted) process.exit(130);
    endWithin(END_MS.interruption, 130);
    interrupt.abort();
  });
}

const faults = new OutputFaults();
for (const stream of [process.stdout, process.stderr]) faults.watch(stream);

const { stdout, stderr, env } = process;
process.exitCode = await runSimCli(process.argv.slice(2), { stdout, stderr, env, signal: interrupt.signal });
endWithin(END_MS.result);
