import { addExamples, type DeclareCommand } from "@tinybms/cli-kit";
import { Option } from "commander";
import type { KeygenCommandOptions } from "../commands/keygen.ts";
import { addPassphraseOptions } from "./signing-options.ts";

/** Declares `tinybms-ota keygen`. */
export const declareKeygen: DeclareCommand = (command, run) => {
  addPassphraseOptions(
    command
      .optionsGroup("Key:")
      .requiredOption("--out <file>", "private key file to create (PEM); the public key goes to <file>.pub")
      .addOption(
        new Option("--type <type>", "key type").choices(["ecdsa-p256", "rsa-3072", "ed25519"]).default("ecdsa-p256"),
      )
      .option("--encrypt", "encrypt the private key; prompts for a passphrase")
      .option("--allow-weak-passphrase", "accept a passphrase shorter than 8 characters"),
  ).action(
    run(async (options: KeygenCommandOptions, output) => {
      const { runKeygen } = await import("../commands/keygen.ts");
      return runKeygen(options, output);
    }),
  );
  addExamples(command, "tinybms-ota keygen --out release.pem --encrypt");
};
