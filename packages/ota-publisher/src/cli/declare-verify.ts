import type { DeclareCommand } from "@tinybms/cli-kit";
import type { VerifyCommandOptions } from "../commands/verify.ts";

/** `tinybms-ota verify`. */
export const declareVerify: DeclareCommand = (command, run) => {
  command
    .argument("<file>", "the app image")
    .option("--key <pem>", "the public key that must have signed it")
    .option("--secure-boot <pem>", "the public key whose Secure Boot v2 signature must stand behind the image")
    .option("--signature <file>", "file of the signature; without it <file>.sig")
    .action((file: string, options: VerifyCommandOptions) =>
      run(async (given: VerifyCommandOptions, output) => {
        const { runVerify } = await import("../commands/verify.ts");
        return runVerify(file, given, output);
      })(options),
    );
};
