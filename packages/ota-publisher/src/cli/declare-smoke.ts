import type { SmokeCommandOptions } from "../commands/smoke.ts";
import type { Declare } from "./declare.ts";

/** `tinybms-ota smoke`. */
export const declareSmoke: Declare = (command, run) => {
  command.option("--manifest <file>", "the root manifest to try; without it a built-in one").action(
    run(async (options: SmokeCommandOptions, console) => {
      const { runSmoke } = await import("../commands/smoke.ts");
      return runSmoke(options, console);
    }),
  );
};
