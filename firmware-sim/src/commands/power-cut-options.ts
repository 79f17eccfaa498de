import { availableParallelism } from "node:os";
import { type DeclareCommand, positiveInteger, wholeNumber } from "@tinybms/cli-kit";
import { CHIPS } from "@tinybms/ota-core/esp";
import { Option } from "commander";
import { declareIdf } from "./idf-option.ts";
import { partitionTableOffset } from "./partition-table-offset.ts";
import { allOrCount } from "./point-count.ts";
import type { PowerCutOptions } from "./power-cut-inputs.ts";

/** Declares `power-cut`. */
export const declarePowerCut: DeclareCommand = (command, run) => {
  command
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
    .option("--jobs <count>", "threads", positiveInteger, availableParallelism())
    .option("--output <folder>", "where violations are written to, if there are any", "power-cut-report")
    .option("--replay <point>", "do one point of a report again, and tell every step")
    .action(
      run(async (options: PowerCutOptions, output) => {
        const { powerCut } = await import("./power-cut.ts");
        return powerCut(options, output);
      }),
    );
  declareIdf(command);
};
