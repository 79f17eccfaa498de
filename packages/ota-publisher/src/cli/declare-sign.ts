import type { DeclareCommand } from "@tinybms/cli-kit";
import type { SignCommandOptions } from "../commands/sign.ts";
import { addSigningOptions } from "./signing-options.ts";

/** `tinybms-ota sign`. */
export const declareSign: DeclareCommand = (command, run) => {
  addSigningOptions(command)
    .argument("<file>", "the app image")
    .option("--out <file>", "file of the signature; without it <file>.sig")
    .action((file: string, options: SignCommandOptions) =>
      run(async (given: SignCommandOptions, output) => {
        const { runSign } = await import("../commands/sign.ts");
        return runSign(file, given, output);
      })(options),
    );
};
