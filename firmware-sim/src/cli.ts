import { createRequire } from "node:module";
import { type CommandDefinition, runProgram } from "@tinybms/cli-kit";
import type { CommandWorld } from "@tinybms/cli-kit/output";

const COMMANDS: readonly CommandDefinition[] = [
  {
    name: "run",
    description: "run devices on a broker",
    load: async () => (await import("./commands/run-options.ts")).declareRun,
  },
  {
    name: "power-cut",
    description: "cut the power at every flash operation of an update and of its roll-back, and check each time",
    load: async () => (await import("./commands/power-cut-options.ts")).declarePowerCut,
  },
  {
    name: "twin",
    description:
      "would this very device survive this release? updates a copy of a flash dump, cutting the power everywhere",
    load: async () => (await import("./commands/twin-options.ts")).declareTwin,
  },
  {
    name: "flash",
    description: "build a whole flash, byte for byte as esptool merge-bin does",
    load: async () => (await import("./commands/flash-options.ts")).declareFlash,
  },
];

/**
 * Runs `tinybms-sim`.
 *
 * @param argv - The arguments after the command's name.
 * @returns The exit code: 0 done, 1 failed or out of time, 2 wrong arguments or input, 130 interrupted.
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
