import { addExamples, type DeclareCommand, positiveNumber, repeatable } from "@tinybms/cli-kit";
import type { StatusCommandOptions } from "../commands/status.ts";
import { MANIFEST_DEFAULT } from "./manifest-default.ts";

/** Declares `tinybms-ota status`. */
export const declareStatus: DeclareCommand = (command, run) => {
  command
    .optionsGroup("Fleet:")
    .option("--manifest <file>", "root manifest", MANIFEST_DEFAULT)
    .option("--broker <url>", "broker to use instead of the manifest's")
    .option("--timeout <seconds>", "time limit for connecting and for reading", positiveNumber, 30)
    .option("--allow-insecure", "allow credentials without encryption, and certificates that are not checked")
    .optionsGroup("Devices to show:")
    .addOption(repeatable("--device <id>", "only this device (repeatable)"))
    .addOption(repeatable("--state <state>", "only devices in this state (repeatable)"))
    .addOption(repeatable("--release <version>", "only devices that run this version of the release line (repeatable)"))
    .optionsGroup("Format:")
    .option("--watch", "after the table, print each change until interrupted")
    .option("--csv", "print CSV instead of a table")
    .action(
      run(async (options: StatusCommandOptions, output) => {
        const { runStatus } = await import("../commands/status.ts");
        return runStatus(options, output);
      }),
    );
  addExamples(command, "tinybms-ota status", "tinybms-ota status --state failed --csv > failed.csv");
};
