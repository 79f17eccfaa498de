import { type CommandOutput, ExitCode, type OutputOptions, printable } from "@tinybms/cli-kit/output";
import { openPrivateKey, writePublicKey } from "../signing/key-file.ts";
import type { PassphraseOptions } from "../signing/passphrase.ts";

/** Options of `tinybms-ota keys public`, as commander reads them. */
export interface KeysPublicOptions extends OutputOptions, PassphraseOptions {}

/** What `keys public --json` prints. */
interface KeysPublicDocument {
  readonly file: string;
  readonly publicFile: string;
  readonly keyid: string;
  readonly alg: string;
  /** `false` where the file is there already and holds this key. */
  readonly written: boolean;
}

/**
 * Writes the public key of a private key again, where its file was lost.
 *
 * @param file - The private key's file; the public key goes to `file`.pub.
 * @returns The exit code.
 * @throws OtaError `signing/key-exists` where `file`.pub holds something else; as `openPrivateKey`.
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
