import { createRequire } from "node:module";
import { type CommandDefinition, runProgram } from "@tinybms/cli-kit";
import type { CommandWorld } from "@tinybms/cli-kit/output";

const COMMANDS: readonly CommandDefinition[] = [
  {
    name: "run",
    description: "run simulated devices",
    load: async () => (await import("./commands/run-options.ts")).declareRun,
  },
  {
    name: "power-cut",
    description: "cut the power at every flash operation of an update and its rollback, and check the outcome",
    load: async () => (await import("./commands/power-cut-options.ts")).declarePowerCut,
  },
  {
    name: "twin",
    description: "predict from a flash dump whether a real device survives a release",
    load: async () => (await import("./commands/twin-options.ts")).declareTwin,
  },
  {
    name: "conformance",
    description: "judge any receiver by the conformance vectors of the protocol",
    load: async () => (await import("./commands/conformance-options.ts")).declareConformance,
  },
  {
    name: "fuzz",
    description: "draw worlds with failing devices, networks and brokers from seeds, and check what must hold",
    load: async () => (await import("./commands/fuzz-options.ts")).declareFuzz,
  },
  {
    name: "replay",
    description: "run one world of fuzz again, and print its timeline",
    load: async () => (await import("./commands/replay-options.ts")).declareReplay,
  },
  {
    name: "flash",
    description: "build a flash image with the same bytes as esptool merge-bin",
    load: async () => (await import("./commands/flash-command-options.ts")).declareFlash,
  },
];

/**
 * Runs `tinybms-sim`.
 *
 * @param argv - Arguments after the command name.
 * @returns Exit code: 0 for success, 1 for failure or a timeout, 2 for invalid arguments or input, 130 if interrupted.
 */
export function runSimCli(argv: readonly string[], world: CommandWorld): Promise<number> {
  const program = {
    name: "tinybms-sim",
    description: "Runs simulated ESP32s that boot, update and roll back as ESP-IDF does.",
    version: String(createRequire(import.meta.url)("../package.json").version),
    commands: COMMANDS,
  };
  return runProgram(program, argv, world);
}
