#!/usr/bin/env node
import type { CliWorld } from "../generator-cli.ts";

// Node 22.8 and later keep the compiled form of what is imported from here on, so nothing is imported before.
process.getBuiltinModule("node:module").enableCompileCache?.();

// While the generator runs, it gets these signals; before that, they end the setting up.
const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupt.abort());

// A reader that goes away, such as `head`, ends the output, not the command.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

const { runCli } = await import("../generator-cli.ts");
const world: CliWorld = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  signal: interrupt.signal,
};
process.exitCode = await runCli(process.argv.slice(2), world);
