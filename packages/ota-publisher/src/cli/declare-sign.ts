import { addExamples, type DeclareCommand } from "@tinybms/cli-kit";
import type { SignCommandOptions } from "../commands/sign.ts";
import { addSigningOptions } from "./signing-options.ts";

/** Declares `tinybms-ota sign`. */
export const declareSign: DeclareCommand = (command, run) => {
  command
    .argument("<file>", "app image to sign")
    .option("--out <file>", "signature file to write (default: <file>.sig)");
  addSigningOptions(command).action((file: string, options: SignCommandOptions) =>
    run(async (given: SignCommandOptions, output) => {
      const { runSign } = await import("../commands/sign.ts");
      return runSign(file, given, output);
    })(options),
  );
  addExamples(command, "tinybms-ota sign build/app.bin --sign-key release.pem");
};
