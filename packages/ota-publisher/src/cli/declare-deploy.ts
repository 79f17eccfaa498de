import type { DeclareCommand } from "@tinybms/cli-kit";
import { oneOf, positiveInteger, positiveNumber, repeatable } from "@tinybms/cli-kit";
import { Option } from "commander";
import type { DeployCommandOptions } from "../commands/deploy-options.ts";
import { MANIFEST_DEFAULT } from "./manifest-default.ts";
import { addSigningOptions } from "./signing-options.ts";

/** `tinybms-ota deploy`. */
export const declareDeploy: DeclareCommand = (command, run) => {
  addSigningOptions(command)
    .requiredOption("--version <version>", "the version to deliver")
    .option("--manifest <file>", "the root manifest", MANIFEST_DEFAULT)
    .addOption(
      repeatable("--transport <name>", "way to the devices; without it the artifact's protocols decide").argParser(
        oneOf(["mqtt", "https", "serial"]),
      ),
    )
    .addOption(repeatable("--device <id>", "deliver to this device alone; repeat it for more"))
    .option("--device-file <file>", "deliver to the devices that a file names, one on each line")
    .option("--expect <count>", "how many devices must end well", positiveInteger)
    .addOption(
      new Option("--wait <state>", "how far devices must come")
        .choices(["confirmed", "downloaded", "none"])
        .default("confirmed"),
    )
    .option("--timeout <seconds>", "how long the delivery may take", positiveNumber, 600)
    .addOption(new Option("--mode <mode>", "how the image travels").choices(["chunked", "blob"]))
    .option("--broker <url>", "the broker, above the manifest's; embedded or embedded://HOST:PORT starts one here")
    .addOption(repeatable("--port <port>", "with --transport serial: the board at this port; repeat it for more"))
    .option("--all-ports", "with --transport serial: every board that is plugged in")
    .option("--allow-insecure", "let credentials go unencrypted and certificates unchecked where a channel says so")
    .option("--keys <folder>", "the product's key sets; without it keys/ beside the manifest")
    .option("--dry-run", "check everything and deliver nothing")
    .action(
      run(async (options: DeployCommandOptions, output) => {
        const { runDeploy } = await import("../commands/deploy.ts");
        return runDeploy(options, output);
      }),
    );
};
