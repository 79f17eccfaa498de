import { type CommandConsole, type OutputOptions, printable } from "../console/console.ts";
import { ExitCode } from "../console/exit-code.ts";
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
export async function runKeysPublic(
  file: string,
  options: KeysPublicOptions,
  console: CommandConsole,
): Promise<number> {
  const { key } = await openPrivateKey(file, options, console);
  const written = await writePublicKey(file, key);
  const document: KeysPublicDocument = {
    ...{ file, publicFile: `${file}.pub`, keyid: key.keyid, alg: key.alg, written },
  };
  console.printJson(document);
  if (!console.quiet) {
    console.print(`${written ? "wrote" : "unchanged:"} ${printable(file)}.pub`);
    console.print(`keyid ${key.keyid} (${key.alg})`);
  }
  return ExitCode.done;
}
