import { availableParallelism } from "node:os";
import { addExamples, type DeclareCommand, positiveInteger, wholeNumber } from "@tinybms/cli-kit";
import { declareAgent } from "./agent-option.ts";
import { declareIdf } from "./idf-option.ts";
import { allOrCount } from "./point-count.ts";
import type { TwinOptions } from "./twin-command.ts";

/** Default number of power cuts: takes a few seconds for an image of 1 MB. */
const POINTS_DEFAULT = 2000;

/** Declares `twin`. */
export const declareTwin: DeclareCommand = (command, run) => {
  command
    .optionsGroup("Device and release:")
    .requiredOption("--flash <dump>", "whole flash of the device, as esptool read-flash 0 ALL writes it")
    .requiredOption("--update <file>", "app image of the release")
    .option("--version <version>", "version of the release (default: the version in the app descriptor)")
    .option("--efuse <file>", "eFuses of the device: JSON, or the output of espefuse summary --format json")
    .optionsGroup("Power cuts:")
    .option("--points <count>", "number of power cuts, spread evenly, or all", allOrCount, POINTS_DEFAULT)
    .option("--seed <number>", "seed of all random choices", wholeNumber, 1)
    .option("--jobs <count>", "number of threads", positiveInteger, availableParallelism());
  declareAgent(command);
  declareIdf(command).action(
    run(async (options: TwinOptions, output) => {
      const { twin } = await import("./twin-command.ts");
      return twin(options, output);
    }),
  );
  addExamples(command, "tinybms-sim twin --flash flash.bin --update build/app.bin");
  command.addHelpText(
    "after",
    "\nExit codes: 0 if the device survives, 1 if it does not, 2 if that can't be determined.",
  );
};
