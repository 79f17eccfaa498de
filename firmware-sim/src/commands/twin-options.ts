import { availableParallelism } from "node:os";
import { type DeclareCommand, positiveInteger, wholeNumber } from "@tinybms/cli-kit";
import { declareIdf } from "./idf-option.ts";
import { allOrCount } from "./point-count.ts";
import type { TwinOptions } from "./twin.ts";

/** Power cuts without being asked: some seconds for an image of 1 MB. */
const POINTS_DEFAULT = 2000;

/** Declares `twin`. */
export const declareTwin: DeclareCommand = (command, run) => {
  command
    .requiredOption("--flash <dump>", "a whole flash, as esptool read-flash 0 ALL writes it")
    .requiredOption("--update <file>", "the app image of the release")
    .option("--version <version>", "version of the release; that of the image's app descriptor without it")
    .option("--efuse <file>", "what is known of the eFuses: JSON, or espefuse summary --format json")
    .option("--points <count>", "all power cuts, or so many, spread evenly", allOrCount, POINTS_DEFAULT)
    .option("--seed <number>", "decides what is random", wholeNumber, 1)
    .option("--jobs <count>", "threads", positiveInteger, availableParallelism())
    .addHelpText("after", "\nIt exits with 0 for yes, 1 for no, and 2 where it can't tell.")
    .action(
      run(async (options: TwinOptions, output) => {
        const { twin } = await import("./twin.ts");
        return twin(options, output);
      }),
    );
  declareIdf(command);
};
