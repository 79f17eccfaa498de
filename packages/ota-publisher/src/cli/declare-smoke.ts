import { addExamples, type DeclareCommand } from "@tinybms/cli-kit";
import type { SmokeCommandOptions } from "../commands/smoke.ts";

/** Declares `tinybms-ota smoke`. */
export const declareSmoke: DeclareCommand = (command, run) => {
  command.option("--manifest <file>", "root manifest to try (default: a built-in one)").action(
    run(async (options: SmokeCommandOptions, output) => {
      const { runSmoke } = await import("../commands/smoke.ts");
      return runSmoke(options, output);
    }),
  );
  addExamples(command, "tinybms-ota smoke --manifest ota/manifest.json");
};
