#!/usr/bin/env node
import { runSimCli } from "../cli.ts";
import { OutputFaults } from "./output-errors.ts";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // Who asks twice does not want to wait for a clean end.
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort();
  });
}

const faults = new OutputFaults();
for (const stream of [process.stdout, process.stderr]) faults.watch(stream);

const { stdout, stderr, env } = process;
process.exitCode = await runSimCli(process.argv.slice(2), { stdout, stderr, env, signal: interrupt.signal });
