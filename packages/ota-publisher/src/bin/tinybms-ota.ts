#!/usr/bin/env node

import { printBuiltHelp } from "./built-help.ts";

if (!printBuiltHelp(process.argv.slice(2), new URL("help.json", import.meta.url))) {
  // Node 22.8 and later cache the compiled form of modules that are imported after this call.
  process.getBuiltinModule("node:module").enableCompileCache?.();
  const [{ runInProcess }, { runCli }] = await Promise.all([
    import("@tinybms/cli-kit/process"),
    import("../cli/run-cli.ts"),
  ]);
  await runInProcess(runCli);
}
