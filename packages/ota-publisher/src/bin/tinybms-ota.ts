#!/usr/bin/env node

// Node 22.8 and later cache the compiled form of modules that are imported after this call, so it comes first.
process.getBuiltinModule("node:module").enableCompileCache?.();

const { runInProcess } = await import("@tinybms/cli-kit/process");
const { runCli } = await import("../cli/run-cli.ts");
await runInProcess(runCli);
