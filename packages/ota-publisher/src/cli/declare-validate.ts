import type { DeclareCommand } from "@tinybms/cli-kit";
import { Option } from "commander";
import type { ValidateCommandOptions } from "../commands/validate.ts";
import { MANIFEST_DEFAULT } from "./manifest-default.ts";

/** `tinybms-ota validate`. */
export const declareValidate: DeclareCommand = (command, run) => {
  command
    .option("--manifest <file>", "the root manifest", MANIFEST_DEFAULT)
    .addOption(
      new Option("--format <format>", "how problems are written: for people, or as annotations of a GitHub workflow")
        .choices(["text", "github"])
        .default("text"),
    )
    .option("--strict", "make every warning an error")
    .action(
      run(async (options: ValidateCommandOptions, output) => {
        const { runValidate } = await import("../commands/validate.ts");
        return runValidate(options, output);
      }),
    );
};
