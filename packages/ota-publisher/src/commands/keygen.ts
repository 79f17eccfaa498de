import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { type CommandOutput, ExitCode, type OutputOptions, printable } from "@tinybms/cli-kit/output";
import { writeKeyPair } from "../signing/key-file.ts";
import { askNewPassphrase, assertStrong, givenPassphrase, type PassphraseOptions } from "../signing/passphrase.ts";

/** Options of `tinybms-ota keygen`, as commander parses them. */
export interface KeygenCommandOptions extends OutputOptions, PassphraseOptions {
  readonly out: string;
  readonly type: "ecdsa-p256" | "rsa-3072" | "ed25519";
  /** Asks for a passphrase. */
  readonly encrypt?: boolean;
  /** Accepts a passphrase of any length. */
  readonly allowWeakPassphrase?: boolean;
}

/** Document of `keygen --json`. */
interface KeygenDocument {
  readonly file: string;
  readonly publicFile: string;
  readonly keyid: string;
  readonly alg: string;
  readonly encrypted: boolean;
}

/**
 * Creates a key pair.
 *
 * @returns The exit code.
 * @throws {@link OtaError} `signing/key-exists`, `signing/key-unreadable`, `signing/passphrase-unusable`.
 */
export async function runKeygen(options: KeygenCommandOptions, output: CommandOutput): Promise<number> {
  const { out, type, encrypt = false } = options;
  const given = givenPassphrase(options, output);
  const passphrase = given === undefined && encrypt ? await askNewPassphrase(output) : given;
  if (passphrase !== undefined && options.allowWeakPassphrase !== true) assertStrong(passphrase);
  const { keyid, alg } = await writeKeyPair(out, generate(type), passphrase);
  const encrypted = passphrase !== undefined;
  const document: KeygenDocument = { file: out, publicFile: `${out}.pub`, keyid, alg, encrypted };
  output.printJson(document);
  if (!encrypted)
    output.warn(`${printable(out)} is not encrypted: anyone who can copy it can sign; --encrypt asks for a passphrase`);
  if (!output.quiet) {
    output.print(`wrote ${printable(out)} and ${printable(out)}.pub`);
    output.print(`keyid ${keyid} (${alg})`);
  }
  return ExitCode.done;
}

function generate(type: KeygenCommandOptions["type"]): KeyObject {
  if (type === "ed25519") return generateKeyPairSync("ed25519").privateKey;
  if (type === "rsa-3072")
    return generateKeyPairSync("rsa", { modulusLength: 3072, publicExponent: 65_537 }).privateKey;
  return generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
}
