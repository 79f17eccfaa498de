#!/usr/bin/env node
import { OtaError } from "@tinybms/ota-core";
import { runCli } from "../cli/run-cli.ts";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // Who asks twice does not want to wait for a clean end.
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort(new OtaError("delivery/interrupted", "interrupted", {}));
  });
}

// A reader that goes away, such as `head`, ends the output, not the command.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

const { stdout, stderr, env } = process;
process.exitCode = await runCli(process.argv.slice(2), { stdout, stderr, env, signal: interrupt.signal });
