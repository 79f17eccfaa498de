import type { SignCommandOptions } from "../commands/sign.ts";
import type { Declare } from "./declare.ts";
import { addSigningOptions } from "./signing-options.ts";

/** `tinybms-ota sign`. */
export const declareSign: Declare = (command, run) => {
  addSigningOptions(command)
    .argument("<file>", "the app image")
    .option("--out <file>", "file of the signature; without it <file>.sig")
    .action((file: string, options: SignCommandOptions) =>
      run(async (given: SignCommandOptions, console) => {
        const { runSign } = await import("../commands/sign.ts");
        return runSign(file, given, console);
      })(options),
    );
};
