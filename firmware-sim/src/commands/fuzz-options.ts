import { addExamples, type DeclareCommand, positiveInteger, wholeNumber } from "@tinybms/cli-kit";
import { declareAgent } from "./agent-option.ts";
import type { FuzzCommandOptions } from "./fuzz-command.ts";

/** Declares `fuzz`. */
export const declareFuzz: DeclareCommand = (command, run) => {
  command
    .option("--runs <count>", "number of worlds", positiveInteger, 1_000)
    .option("--seed <number>", "seed of the first world; each later one adds 1", wholeNumber, 1)
    .option("--output <folder>", "folder for worlds that fail", "fuzz-report");
  declareAgent(command).action(
    run(async (options: FuzzCommandOptions, output) => {
      const { fuzz } = await import("./fuzz-command.ts");
      return fuzz(options, output);
    }),
  );
  addExamples(command, "tinybms-sim fuzz --runs 2000", "tinybms-sim fuzz --runs 500 --seed 7000 --agent c");
};
