import type { DeclareCommand, RunStep } from "@tinybms/cli-kit";
import { addExamples, addOutputOptions, positiveNumber } from "@tinybms/cli-kit";
import type { OutputOptions } from "@tinybms/cli-kit/output";
import type { RolloutRequest } from "@tinybms/ota-core/rollout";
import type { Command } from "commander";
import type { RolloutGoOnOptions } from "../commands/rollout-command.ts";
import { MANIFEST_DEFAULT } from "./manifest-default.ts";
import { addSigningOptions } from "./signing-options.ts";

const JOURNAL = "ota/rollouts/1.2.3.jsonl";

/** Declares `tinybms-ota rollout` and its subcommands. */
export const declareRollout: DeclareCommand = (rollout, run) => {
  rollout.enablePositionalOptions();
  below(rollout, "show", "show what a rollout did, and check that its journal was not changed").action(
    (file: string, options: OutputOptions) =>
      run(async (_: OutputOptions, output) => {
        const { runRolloutShow } = await import("../commands/rollout-command.ts");
        return runRolloutShow(file, output);
      })(options),
  );
  declareRequest(rollout, run, "continue", "begin the next stage, or go on with a rollout that no process runs");
  declareRequest(rollout, run, "pause", "begin no further stage until the rollout is continued");
  declareRequest(rollout, run, "withdraw", "stop a rollout and withdraw its offer");
  for (const command of rollout.commands) {
    addOutputOptions(command);
    addExamples(command, `tinybms-ota rollout ${command.name()} ${JOURNAL}`);
  }
};

function declareRequest(rollout: Command, run: RunStep, request: RolloutRequest, description: string): void {
  const command = below(rollout, request, description);
  if (request !== "pause") addGoOnOptions(command);
  command.action((file: string, options: RolloutGoOnOptions) =>
    run(async (given: RolloutGoOnOptions, output) => {
      const { runRolloutRequest } = await import("../commands/rollout-command.ts");
      return runRolloutRequest(request, file, given, output);
    })(options),
  );
}

/** Options for a rollout that no process runs: the command itself goes on with it. */
function addGoOnOptions(command: Command): void {
  addSigningOptions(
    command
      .optionsGroup("Release:")
      .option("--manifest <file>", "root manifest", MANIFEST_DEFAULT)
      .option("--timeout <seconds>", "time limit for connecting", positiveNumber, 600)
      .optionsGroup("Transport:")
      .option("--broker <url>", "broker to use instead of the manifest's")
      .option("--allow-insecure", "allow credentials without encryption, and certificates that are not checked"),
  ).option("--keys <folder>", "folder of the key sets (default: keys/ next to the root manifest)");
}

function below(rollout: Command, name: string, description: string): Command {
  return rollout
    .command(name)
    .description(description)
    .argument("<journal>", "journal of the rollout")
    .allowExcessArguments(false);
}
