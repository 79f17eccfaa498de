import type { DeclareCommand } from "@tinybms/cli-kit";
import { Option } from "commander";
import type { KeygenCommandOptions } from "../commands/keygen.ts";
import { addPassphraseOptions } from "./signing-options.ts";

/** `tinybms-ota keygen`. */
export const declareKeygen: DeclareCommand = (command, run) => {
  addPassphraseOptions(
    command
      .requiredOption("--out <file>", "file of the private key, PEM; the public key goes to <file>.pub")
      .addOption(
        new Option("--type <type>", "type of the key")
          .choices(["ecdsa-p256", "rsa-3072", "ed25519"])
          .default("ecdsa-p256"),
      )
      .option("--encrypt", "ask for a passphrase")
      .option("--allow-weak-passphrase", "take a passphrase below 8 characters"),
  ).action(
    run(async (options: KeygenCommandOptions, output) => {
      const { runKeygen } = await import("../commands/keygen.ts");
      return runKeygen(options, output);
    }),
  );
};
