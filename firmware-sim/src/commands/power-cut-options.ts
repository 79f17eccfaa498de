import { availableParallelism } from "node:os";
import { CHIPS, type ChipName } from "@tinybms/ota-core";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { OutputOptions } from "./command-output.ts";
import { declareIdf, type IdfOptions } from "./idf-option.ts";
import { partitionTableOffset } from "./partition-table-offset.ts";

/** The options of `tinybms-sim power-cut`. */
export interface PowerCutOptions extends IdfOptions {
  readonly app: string;
  readonly update: string;
  readonly version?: string;
  readonly partitionTable?: string;
  /** Flash address of the partition table in bytes. */
  readonly partitionTableOffset?: number;
  readonly chip?: ChipName;
  readonly bootloader?: string;
  readonly run: "update" | "rollback" | "both";
  readonly points: "all" | number;
  /** About so many by default, and all of a small image. */
  readonly pairs?: "all" | number;
  readonly seed: number;
  readonly jobs: number;
  readonly output: string;
  readonly replay?: string;
}

/** Declares `power-cut`. */
export function declarePowerCut(
  command: Command,
  action: (options: PowerCutOptions & OutputOptions) => Promise<void>,
): void {
  command
    .description("cut the power at every flash operation of an update and of its roll-back, and check each time")
    .allowExcessArguments(false)
    .requiredOption("--app <file>", "the app image that runs before the update")
    .requiredOption("--update <file>", "the app image that it is updated to")
    .option("--version <version>", "version of the update; that of its app descriptor without it")
    .option("--partition-table <file>", "the table, as CSV or binary; two OTA slots without it")
    .option("--partition-table-offset <offset>", "where the table lies, if not at 0x8000", partitionTableOffset)
    .addOption(
      new Option("--chip <name>", "the chip; that of the app without it").choices(CHIPS.map(({ name }) => name)),
    )
    .option("--bootloader <file>", "the second-stage bootloader")
    .addOption(
      new Option("--run <run>", "what is cut: an update that goes well, one whose image fails its self-test, or both")
        .choices(["update", "rollback", "both"])
        .default("both"),
    )
    .option("--points <count>", "all, or so many cuts of each run, spread evenly", allOrCount, "all" as const)
    .option(
      "--pairs <count>",
      "second cuts during recovery: all, or about so many; without it by the size of the image",
      allOrCount,
    )
    .option("--seed <number>", "decides what is random", wholeNumber, 1)
    .option("--jobs <count>", "threads", positive, availableParallelism())
    .option("--output <folder>", "where violations are written to, if there are any", "power-cut-report")
    .option("--replay <point>", "do one point of a report again, and tell every step")
    .option("--json", "print one JSON document on standard output when it ends")
    .option("--verbose", "say more")
    .option("--quiet", "say only what is wrong, and the result")
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
