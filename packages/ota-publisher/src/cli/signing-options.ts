import { repeatable } from "@tinybms/cli-kit";
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";

/** Declares the options of `SigningOptions`. */
export function addSigningOptions(command: Command): Command {
  return addPassphraseOptions(
    command
      .optionsGroup("Signing:")
      .addOption(repeatable("--sign-key <pem>", "sign with this private key (repeatable)"))
      .addOption(
        repeatable(
          "--sign-command <command>",
          "sign with a program that reads the bytes from stdin and writes the raw signature to stdout; run without a shell (repeatable)",
        ),
      )
      .addOption(
        repeatable("--sign-public <pem>", "public key of a --sign-command, if the key set does not contain it"),
      ),
  );
}

/**
 * Declares the options of `PassphraseOptions`. The passphrase itself is never an argument: other users of the machine can
 * see arguments.
 */
export function addPassphraseOptions(command: Command): Command {
  return command
    .option(
      "--passphrase-file <file>",
      "read the passphrase of the private key from a file (default: TINYBMS_OTA_PASSPHRASE, then a prompt)",
    )
    .option("--passphrase-fd <number>", "read the passphrase from an open file descriptor", fileDescriptor);
}

function fileDescriptor(text: string): number {
  if (/^[0-9]{1,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be the number of an open file descriptor, such as 3.");
}
