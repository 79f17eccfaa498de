import { repeatable } from "@tinybms/cli-kit";
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";

/** Gives a command the options that say who signs: see `SigningOptions`. */
export function addSigningOptions(command: Command): Command {
  return addPassphraseOptions(
    command
      .addOption(repeatable("--sign-key <pem>", "sign with this private key; repeat it for more"))
      .addOption(repeatable("--sign-command <command>", "sign with a program: bytes in, signature out, no shell"))
      .addOption(repeatable("--sign-public <pem>", "public key that a --sign-command signs with")),
  );
}

/** Gives a command the options that hand a passphrase over; it is no argument itself, for arguments are seen by all. */
export function addPassphraseOptions(command: Command): Command {
  return command
    .option("--passphrase-file <file>", "file with the passphrase; also TINYBMS_OTA_PASSPHRASE, or asked for")
    .option("--passphrase-fd <number>", "file descriptor to read the passphrase from", fileDescriptor);
}

function fileDescriptor(text: string): number {
  if (/^[0-9]{1,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be the number of an open file descriptor, such as 3.");
}
