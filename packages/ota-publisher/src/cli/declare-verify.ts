import { addExamples, type DeclareCommand } from "@tinybms/cli-kit";
import type { VerifyCommandOptions } from "../commands/verify.ts";

/** Declares `tinybms-ota verify`. */
export const declareVerify: DeclareCommand = (command, run) => {
  command
    .argument("<file>", "app image to verify")
    .option("--key <pem>", "public key of a detached signature")
    .option("--secure-boot <pem>", "public key of a Secure Boot v2 signature at the end of the image")
    .option("--signature <file>", "file with the detached signature (default: <file>.sig)")
    .action((file: string, options: VerifyCommandOptions) =>
      run(async (given: VerifyCommandOptions, output) => {
        const { runVerify } = await import("../commands/verify.ts");
        return runVerify(file, given, output);
      })(options),
    );
  addExamples(
    command,
    "tinybms-ota verify build/app.bin --key release.pem.pub",
    "tinybms-ota verify build/app-signed.bin --secure-boot secure_boot_signing_key.pub.pem",
  );
};
