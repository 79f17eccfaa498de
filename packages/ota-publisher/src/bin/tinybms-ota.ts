#!/usr/bin/env node

// Node 22.8 and later keep the compiled form of what is imported from here on, so nothing is imported before.
process.getBuiltinModule("node:module").enableCompileCache?.();

const { runInProcess } = await import("@tinybms/cli-kit/process");
const { runCli } = await import("../cli/run-cli.ts");
await runInProcess(runCli);
