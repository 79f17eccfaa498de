import { addExamples, type DeclareCommand, wholeNumber } from "@tinybms/cli-kit";
import { declareAgent } from "./agent-option.ts";
import type { ReplayOptions } from "./replay-command.ts";

/** Declares `replay`. */
export const declareReplay: DeclareCommand = (command, run) => {
  command
    .option("--seed <number>", "seed of the world, as fuzz prints it", wholeNumber)
    .option("--world <file>", "world that fuzz wrote, instead of a seed")
    .option("--html <file>", "page to write: lanes, messages, and flash at each time");
  declareAgent(command).action(
    run(async (options: ReplayOptions, output) => {
      const { replay } = await import("./replay-command.ts");
      return replay(options, output);
    }),
  );
  addExamples(
    command,
    "tinybms-sim replay --seed 4711",
    "tinybms-sim replay --world fuzz-report/settled-ts-4711.json",
    "tinybms-sim replay --seed 4711 --html replay.html",
  );
};
