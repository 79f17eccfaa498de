import { type CommandOutput, ExitCode, type OutputOptions, printable } from "@tinybms/cli-kit/output";
import { openPrivateKey, writePublicKey } from "../signing/key-file.ts";
import type { PassphraseOptions } from "../signing/passphrase.ts";

/** Options of `tinybms-ota keys public`, as commander parses them. */
export interface KeysPublicOptions extends OutputOptions, PassphraseOptions {}

/** Document of `keys public --json`. */
interface KeysPublicDocument {
  readonly file: string;
  readonly publicFile: string;
  readonly keyid: string;
  readonly alg: string;
  /** `false` if the file already exists with this key. */
  readonly written: boolean;
}

/**
 * Writes the public key of a private key to `<file>.pub`.
 *
 * @param file - Path of the private key.
 * @returns The exit code.
 * @throws {@link OtaError} `signing/key-exists` if `<file>.pub` holds another key, and the codes of `openPrivateKey`.
 */
export async function runKeysPublic(file: string, options: KeysPublicOptions, output: CommandOutput): Promise<number> {
  const { key } = await openPrivateKey(file, options, output);
  const written = await writePublicKey(file, key);
  const document: KeysPublicDocument = {
    ...{ file, publicFile: `${file}.pub`, keyid: key.keyid, alg: key.alg, written },
  };
  output.printJson(document);
  if (!output.quiet) {
    output.print(`${written ? "wrote" : "unchanged:"} ${printable(file)}.pub`);
    output.print(`keyid ${key.keyid} (${key.alg})`);
  }
  return ExitCode.done;
}
