import { availableParallelism } from "node:os";
import { addExamples, type DeclareCommand, positiveInteger, wholeNumber } from "@tinybms/cli-kit";
import { CHIPS } from "@tinybms/ota-core/esp";
import { Option } from "commander";
import { declareAgent } from "./agent-option.ts";
import { declareIdf } from "./idf-option.ts";
import { partitionTableOffset } from "./partition-table-offset.ts";
import { allOrCount } from "./point-count.ts";
import type { PowerCutOptions } from "./power-cut-inputs.ts";

/** Declares `power-cut`. */
export const declarePowerCut: DeclareCommand = (command, run) => {
  command
    .optionsGroup("Update:")
    .requiredOption("--app <file>", "app image that runs before the update")
    .requiredOption("--update <file>", "app image of the update")
    .option("--version <version>", "version of the update (default: the version in its app descriptor)")
    .addOption(
      new Option("--run <run>", "update: the new image passes its self-test; rollback: it fails; or both")
        .choices(["update", "rollback", "both"])
        .default("both"),
    );
  command
    .optionsGroup("Power cuts:")
    .option("--points <count>", "number of cuts of each run, spread evenly, or all", allOrCount, "all" as const)
    .option(
      "--pairs <count>",
      "number of second cuts during recovery, or all (default: depends on the size of the image)",
      allOrCount,
    )
    .option("--seed <number>", "seed of all random choices", wholeNumber, 1)
    .option("--jobs <count>", "number of threads", positiveInteger, availableParallelism())
    .option("--output <folder>", "folder for the report of violations", "power-cut-report")
    .option("--replay <point>", "replay one point of a report and print every step")
    .option("--html <file>", "page to write with --replay: messages, and flash at each time");
  command
    .optionsGroup("Device:")
    .addOption(new Option("--chip <name>", "chip (default: the app's)").choices(CHIPS.map(({ name }) => name)))
    .option("--bootloader <file>", "second-stage bootloader")
    .option("--partition-table <file>", "partition table, CSV or binary (default: two OTA slots)")
    .option(
      "--partition-table-offset <offset>",
      "flash address of the partition table (default: 0x8000)",
      partitionTableOffset,
    );
  declareAgent(command);
  declareIdf(command).action(
    run(async (options: PowerCutOptions, output) => {
      const { powerCut } = await import("./power-cut-command.ts");
      return powerCut(options, output);
    }),
  );
  addExamples(
    command,
    "tinybms-sim power-cut --app build/app-1.0.0.bin --update build/app-1.1.0.bin",
    "tinybms-sim power-cut --app build/app-1.0.0.bin --update build/app-1.1.0.bin --points 500 --run rollback",
  );
};
