#!/usr/bin/env node
import { runSimCli } from "../cli.ts";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // Who asks twice does not want to wait for a clean end.
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort();
  });
}

// A reader that goes away, such as `head`, ends the output, not the command.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

const { stdout, stderr, env } = process;
process.exitCode = await runSimCli(process.argv.slice(2), { stdout, stderr, env, signal: interrupt.signal });
