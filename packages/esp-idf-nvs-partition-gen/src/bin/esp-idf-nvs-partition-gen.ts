#!/usr/bin/env node
import type { CliWorld } from "../generator-cli.ts";

// Node 22.8 and later cache the compiled form of modules that are imported after this call, so it comes first.
process.getBuiltinModule("node:module").enableCompileCache?.();

// These signals stop the set-up. Once the generator runs, they are forwarded to it.
const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupt.abort());

// A reader that closes early, such as `head`, must not stop the command.
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
