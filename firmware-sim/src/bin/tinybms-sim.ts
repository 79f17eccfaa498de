#!/usr/bin/env node

// Node 22.8 and later cache the compiled form of modules that are imported after this call.
process.getBuiltinModule("node:module").enableCompileCache?.();

const { runInProcess } = await import("@tinybms/cli-kit/process");
const { runSimCli } = await import("../cli.ts");
await runInProcess(runSimCli);
