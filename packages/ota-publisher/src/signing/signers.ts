import type { CommandOutput } from "@tinybms/cli-kit/output";
import { OtaError } from "@tinybms/ota-core";
import { type PublicKey, type Signer, verifySignature } from "@tinybms/ota-core/signing";
import { splitCommand } from "./argument-list.ts";
import { openPrivateKey, readPublicKey } from "./key-file.ts";
import { hidePassphrase, type PassphraseOptions } from "./passphrase.ts";
import { runSignCommand } from "./sign-command.ts";

/** Who signs, as commands are told by `--sign-key`, `--sign-command` and `--sign-public`. */
export interface SigningOptions extends PassphraseOptions {
  /** Files of private keys. */
  readonly signKey?: readonly string[] | undefined;
  /** Programs with their arguments. */
  readonly signCommand?: readonly string[] | undefined;
  /** Files of the public keys that the commands sign with. */
  readonly signPublic?: readonly string[] | undefined;
}

/**
 * Opens the signers that a command was told of. Every fault of files and arguments is found here, before anything is
 * done; a command itself runs only when something is signed.
 *
 * What a command signs is verified: with which of the public keys tells whose signature it is.
 *
 * @param candidates - Public keys that a command may sign with besides those of `--sign-public`: a key set's.
 * @returns Keys first, then commands; empty where there are no such options.
 * @throws OtaError `arguments/invalid` for a command without any public key, `signing/…` as `openPrivateKey`.
 */
export async function openSigners(
  options: SigningOptions,
  output: CommandOutput,
  candidates: readonly PublicKey[] = [],
): Promise<readonly Signer[]> {
  const { signKey = [], signCommand = [], signPublic = [] } = options;
  const signers: Signer[] = [];
  hidePassphrase(output);
  for (const file of signKey) {
    const opened = await openPrivateKey(file, options, output);
    signers.push(async (message) => opened.sign(message));
  }
  const known = [...(await Promise.all(signPublic.map(readPublicKey))), ...candidates];
  for (const text of signCommand) {
    const [program] = splitCommand(text, "--sign-command");
    if (known.length === 0) {
      const hint = "--sign-public names the public key that the command signs with";
      throw new OtaError(
        "arguments/invalid",
        `nobody knows which key ${program} has`,
        { option: "--sign-command" },
        { hint },
      );
    }
    signers.push(async (message) => {
      const signature = await runSignCommand(text, message, output.world);
      const key = known.find((it) => verifySignature(it, message, signature));
      if (key !== undefined) return { key, signature };
      const reason = `its ${signature.length} bytes are a signature of none of the keys ${known.map(({ keyid }) => keyid).join(", ")}`;
      const hint = "ECDSA is signed over SHA-256 and written as DER, RSA as PKCS #1 v1.5 over SHA-256, Ed25519 plain";
      throw new OtaError("signing/command-failed", `--sign-command ${program}: ${reason}`, { reason }, { hint });
    });
  }
  return signers;
}
