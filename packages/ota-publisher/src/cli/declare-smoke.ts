import type { DeclareCommand } from "@tinybms/cli-kit";
import type { SmokeCommandOptions } from "../commands/smoke.ts";

/** `tinybms-ota smoke`. */
export const declareSmoke: DeclareCommand = (command, run) => {
  command.option("--manifest <file>", "the root manifest to try; without it a built-in one").action(
    run(async (options: SmokeCommandOptions, output) => {
      const { runSmoke } = await import("../commands/smoke.ts");
      return runSmoke(options, output);
    }),
  );
};
