import { availableParallelism } from "node:os";
import { type Command, InvalidArgumentError } from "commander";
import type { OutputOptions } from "./command-output.ts";
import { declareIdf, type IdfOptions } from "./idf-option.ts";

/** The options of `tinybms-sim twin`. */
export interface TwinOptions extends IdfOptions {
  readonly flash: string;
  readonly update: string;
  readonly version?: string;
  readonly efuse?: string;
  readonly points: "all" | number;
  readonly seed: number;
  readonly jobs: number;
}

/** Power cuts without being asked: some seconds for an image of 1 MB. */
const POINTS_DEFAULT = 2000;

/** Declares `twin`. */
export function declareTwin(command: Command, action: (options: TwinOptions & OutputOptions) => Promise<void>): void {
  command
    .description(
      "would this very device survive this release? updates a copy of a flash dump, cutting the power everywhere",
    )
    .allowExcessArguments(false)
    .requiredOption("--flash <dump>", "a whole flash, as esptool read-flash 0 ALL writes it")
    .requiredOption("--update <file>", "the app image of the release")
    .option("--version <version>", "version of the release; that of the image's app descriptor without it")
    .option("--efuse <file>", "what is known of the eFuses: JSON, or espefuse summary --format json")
    .option("--points <count>", "all power cuts, or so many, spread evenly", allOrCount, POINTS_DEFAULT)
    .option("--seed <number>", "decides what is random", wholeNumber, 1)
    .option("--jobs <count>", "threads", positive, availableParallelism())
    .option("--json", "print one JSON document on standard output when it ends")
    .option("--verbose", "say more")
    .option("--quiet", "say only what is wrong, and the result")
    .addHelpText("after", "\nIt exits with 0 for yes, 1 for no, and 2 where it can't tell.")
    .action(action);
  declareIdf(command);
}

function allOrCount(text: string): "all" | number {
  return text === "all" ? "all" : positive(text);
}

function positive(text: string): number {
  const value = wholeNumber(text);
  if (value > 0) return value;
  throw new InvalidArgumentError("It must be 1 or more.");
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number of at most nine digits.");
}
