import type { DeclareCommand } from "@tinybms/cli-kit";
import { positiveNumber, repeatable } from "@tinybms/cli-kit";
import type { WithdrawCommandOptions } from "../commands/withdraw.ts";
import { MANIFEST_DEFAULT } from "./manifest-default.ts";
import { addSigningOptions } from "./signing-options.ts";

/** `tinybms-ota withdraw`. */
export const declareWithdraw: DeclareCommand = (command, run) => {
  addSigningOptions(command)
    .requiredOption("--version <version>", "the version that is offered, and is to be no more")
    .option("--manifest <file>", "the root manifest", MANIFEST_DEFAULT)
    .addOption(repeatable("--device <id>", "withdraw it from this device alone; repeat it for more"))
    .option("--broker <url>", "the broker, above the manifest's")
    .option("--timeout <seconds>", "how long it may take", positiveNumber, 30)
    .option("--allow-insecure", "let credentials go unencrypted and certificates unchecked where a channel says so")
    .option("--keys <folder>", "the product's key sets; without it keys/ beside the manifest")
    .action(
      run(async (options: WithdrawCommandOptions, output) => {
        const { runWithdraw } = await import("../commands/withdraw.ts");
        return runWithdraw(options, output);
      }),
    );
};
