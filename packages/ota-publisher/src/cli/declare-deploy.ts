import type { DeclareCommand } from "@tinybms/cli-kit";
import { addExamples, oneOf, positiveInteger, positiveNumber, repeatable, wholeNumber } from "@tinybms/cli-kit";
import type { OutputOptions } from "@tinybms/cli-kit/output";
import { type Command, InvalidArgumentError, Option } from "commander";
import { TRANSPORTS } from "../deploy/choose-deliveries.ts";
import type { DeployOptions } from "../deploy/ways/deploy-options.ts";
import { addInstallOptions } from "./install-options.ts";
import { MANIFEST_DEFAULT } from "./manifest-default.ts";
import { addSigningOptions } from "./signing-options.ts";

/** Declares `tinybms-ota deploy`. */
export const declareDeploy: DeclareCommand = (command, run) => {
  command
    .optionsGroup("Release:")
    .requiredOption("--version <version>", "version to deliver")
    .option("--manifest <file>", "root manifest", MANIFEST_DEFAULT)
    .option("--dry-run", "check everything without sending anything");
  addDeviceOptions(command);
  addRolloutOptions(command);
  addWayOptions(command);
  addInstallOptions(command);
  addSigningOptions(command)
    .option("--keys <folder>", "folder of the key sets (default: keys/ next to the root manifest)")
    .action(
      run(async (options: DeployOptions & OutputOptions, output) => {
        const { runDeploy } = await import("../deploy/run-deploy.ts");
        return runDeploy(options, output);
      }),
    );
  addExamples(
    command,
    "tinybms-ota deploy --version 1.2.3 --dry-run",
    "tinybms-ota deploy --version 1.2.3 --expect 3",
    "tinybms-ota deploy --version 1.2.3 --device bench-1 --broker mqtt://localhost:1883",
    "tinybms-ota deploy --version 1.2.3 --join --expect 3",
    "tinybms-ota deploy --version 1.2.3 --rollout 1%,10%,100% --hold 3600 --abort-on 2%",
  );
};

function addDeviceOptions(command: Command): void {
  command
    .optionsGroup("Devices:")
    .addOption(repeatable("--device <id>", "deliver only to this device (repeatable)"))
    .option("--device-file <file>", "deliver only to the devices listed in this file, one per line")
    .addOption(repeatable("--tag <tag>", "deliver only to devices that have this tag in the device list (repeatable)"))
    .option("--devices <csv>", "device list of provision, for --tag (default: devices.csv next to the root manifest)")
    .option("--from-version <version>", "deliver only to devices that run this version of the release line")
    .option("--expect <count>", "number of devices that must succeed", positiveInteger)
    .addOption(
      new Option("--wait <state>", "state that devices must reach")
        .choices(["confirmed", "downloaded", "none"])
        .default("confirmed"),
    )
    .option("--timeout <seconds>", "time limit of the delivery", positiveNumber, 600)
    .option("--join", "answer for the offer that stands, beside the deploy that made it, without a key");
}

function addRolloutOptions(command: Command): void {
  command
    .optionsGroup("Rollout:")
    .option("--rollout <shares>", "offer to a growing share of the devices, such as 1%,10%,100%", shares)
    .option("--hold <seconds>", "time between two stages, or until-continued (default: 600)", holdOf)
    .option("--abort-on <share>", "stop if a larger share of the devices fails (default: 5%)", share)
    .option("--abort-min <count>", "do not stop before so many devices failed (default: 3)", positiveInteger)
    .option("--stage-timeout <seconds>", "longest time of a stage (default: 3600)", positiveNumber)
    .option("--journal <file>", "journal of the rollout (default: rollouts/<version>.jsonl next to the root manifest)")
    .option("--resume <journal>", "go on with the rollout of a journal")
    .option("--retry-failed <journal>", "deliver only to the devices that failed in the rollout of a journal");
}

function addWayOptions(command: Command): void {
  command
    .optionsGroup("Transport:")
    .addOption(
      repeatable(
        "--transport <name>",
        "mqtt, https or serial (repeatable; default: the artifact's protocols)",
      ).argParser(oneOf(TRANSPORTS)),
    )
    .option(
      "--broker <url>",
      "broker to use instead of the manifest's; embedded or embedded://HOST:PORT starts one in this process",
    )
    .addOption(
      new Option("--mode <mode>", "MQTT: send the image in chunks, or as one message").choices(["chunked", "blob"]),
    )
    .option("--rate <bytes>", "MQTT in chunks: bytes per second, 0 for no limit (default: the channel's)", wholeNumber)
    .addOption(repeatable("--port <port>", "serial: port of a board (repeatable)"))
    .option("--all-ports", "serial: flash every board that is plugged in")
    .option("--allow-insecure", "allow credentials without encryption, and certificates that are not checked");
}

/** Parses a percentage with at most one decimal. @returns Thousandths. */
function share(text: string): number {
  const percent = /^(\d{1,3}(?:\.\d)?)%$/.exec(text)?.[1];
  if (percent !== undefined && Number(percent) <= 100) return Math.round(Number(percent) * 10);
  throw new InvalidArgumentError("It must be a percentage with at most one decimal, such as 2% or 0.5%.");
}

function shares(text: string): readonly number[] {
  return text.split(",").map((part) => share(part.trim()));
}

function holdOf(text: string): number | "until-continued" {
  return text === "until-continued" ? text : positiveNumber(text);
}
