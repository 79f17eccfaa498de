import { addExamples, type DeclareCommand } from "@tinybms/cli-kit";
import { Option } from "commander";
import type { ValidateCommandOptions } from "../commands/validate.ts";
import { MANIFEST_DEFAULT } from "./manifest-default.ts";

/** Declares `tinybms-ota validate`. */
export const declareValidate: DeclareCommand = (command, run) => {
  command
    .option("--manifest <file>", "root manifest", MANIFEST_DEFAULT)
    .addOption(
      new Option("--format <format>", "plain text, or annotations of a GitHub workflow")
        .choices(["text", "github"])
        .default("text"),
    )
    .option("--strict", "treat warnings as errors")
    .action(
      run(async (options: ValidateCommandOptions, output) => {
        const { runValidate } = await import("../commands/validate.ts");
        return runValidate(options, output);
      }),
    );
  addExamples(command, "tinybms-ota validate", "tinybms-ota validate --format github --strict");
};
