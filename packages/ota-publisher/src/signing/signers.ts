import type { CommandOutput } from "@tinybms/cli-kit/output";
import { OtaError } from "@tinybms/ota-core";
import { type PublicKey, type Signer, verifySignature } from "@tinybms/ota-core/signing";
import { splitCommand } from "./argument-list.ts";
import { openPrivateKey, readPublicKey } from "./key-file.ts";
import { hidePassphrase, type PassphraseOptions } from "./passphrase.ts";
import { runSignCommand } from "./sign-command.ts";

/** Options that name signers: `--sign-key`, `--sign-command` and `--sign-public`. */
export interface SigningOptions extends PassphraseOptions {
  /** Paths of private keys. */
  readonly signKey?: readonly string[] | undefined;
  /** Command lines of signing programs. */
  readonly signCommand?: readonly string[] | undefined;
  /** Paths of the public keys of the commands. */
  readonly signPublic?: readonly string[] | undefined;
}

/**
 * Opens the signers in the options. Detects all faults of files and arguments before anything is signed. A command runs
 * only when it signs. Its signature is verified, and the matching public key identifies the signer.
 *
 * @param candidates - Public keys that a command may use besides those of `--sign-public`, such as those of a key set.
 * @returns Keys first, then commands; empty without such options.
 * @throws {@link OtaError} `arguments/invalid` for a command without any public key, and the codes of `openPrivateKey`.
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
      const hint = "name the public key of the command with --sign-public";
      throw new OtaError(
        "arguments/invalid",
        `the public key of ${program} is unknown`,
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
