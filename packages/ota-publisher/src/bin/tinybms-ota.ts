#!/usr/bin/env node
import type { TextStream } from "../console/console.ts";

// Node 22.8 and later keep the compiled form of what is imported from here on, so nothing is imported before.
process.getBuiltinModule("node:module").enableCompileCache?.();

const interrupt = new AbortController();
let isInterrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, async () => {
    // Who asks twice does not want to wait for a clean end.
    if (isInterrupted) process.exit(130);
    isInterrupted = true;
    const { OtaError } = await import("@tinybms/ota-core");
    interrupt.abort(new OtaError("delivery/interrupted", "interrupted", {}));
  });
}

/** A reader that goes away, such as `head`, ends the output, not the command. */
function withoutReader(stream: TextStream): TextStream {
  if (stream.listenerCount("error") > 0) return stream;
  return stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

const { runCli } = await import("../cli/run-cli.ts");
process.exitCode = await runCli(process.argv.slice(2), {
  // Opening a stream takes a millisecond, and most commands need one.
  get stdout() {
    return withoutReader(process.stdout);
  },
  get stderr() {
    return withoutReader(process.stderr);
  },
  env: process.env,
  signal: interrupt.signal,
});
