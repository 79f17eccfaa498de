import type { DeclareCommand } from "@tinybms/cli-kit";
import { addExamples, positiveNumber, repeatable } from "@tinybms/cli-kit";
import type { WithdrawCommandOptions } from "../commands/withdraw.ts";
import { MANIFEST_DEFAULT } from "./manifest-default.ts";
import { addSigningOptions } from "./signing-options.ts";

/** Declares `tinybms-ota withdraw`. */
export const declareWithdraw: DeclareCommand = (command, run) => {
  command
    .optionsGroup("Release:")
    .requiredOption("--version <version>", "version to withdraw; the broker must be offering it")
    .option("--manifest <file>", "root manifest", MANIFEST_DEFAULT)
    .addOption(repeatable("--device <id>", "withdraw it only from this device (repeatable)"))
    .option("--device-file <file>", "withdraw it only from the devices listed in this file, one per line")
    .optionsGroup("Transport:")
    .option("--broker <url>", "broker to use instead of the manifest's")
    .option("--timeout <seconds>", "time limit of the withdrawal", positiveNumber, 30)
    .option("--allow-insecure", "allow credentials without encryption, and certificates that are not checked");
  addSigningOptions(command)
    .option("--keys <folder>", "folder of the key sets (default: keys/ next to the root manifest)")
    .action(
      run(async (options: WithdrawCommandOptions, output) => {
        const { runWithdraw } = await import("../commands/withdraw.ts");
        return runWithdraw(options, output);
      }),
    );
  addExamples(command, "tinybms-ota withdraw --version 1.2.3");
};
