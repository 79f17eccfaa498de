import { closeSync, openSync, readSync, statSync } from "node:fs";
import type { CommandOutput } from "@tinybms/cli-kit/output";
import { decodeUtf8, OtaError } from "@tinybms/ota-core";
import { askSecret, type PromptTerminal } from "./prompt.ts";

/** Where a passphrase may stand in the environment. */
export const PASSPHRASE_VARIABLE = "TINYBMS_OTA_PASSPHRASE";

/** Where a passphrase comes from: never from an argument, which every user of the machine can see. */
export interface PassphraseOptions {
  /** A file whose first line it is. */
  readonly passphraseFile?: string | undefined;
  /** An open file descriptor that it is read from, up to the end of its first line. */
  readonly passphraseFd?: number | undefined;
}

const PASSPHRASE_SIZE_MAX = 1024;

/** Characters that a new key's passphrase has at least (NIST SP 800-63B section 5.1.1.1). */
const PASSPHRASE_LENGTH_MIN = 8;

/**
 * The passphrase that was handed over: by a file, a file descriptor or the environment. It is hidden in all output.
 *
 * @returns `undefined` where none was.
 * @throws OtaError `signing/passphrase-unusable`.
 */
export function givenPassphrase(options: PassphraseOptions, output: CommandOutput): string | undefined {
  const { passphraseFile, passphraseFd } = options;
  const found =
    passphraseFile === undefined && passphraseFd === undefined
      ? output.world.env[PASSPHRASE_VARIABLE]
      : readLine(passphraseFile ?? passphraseFd ?? 0);
  if (found === undefined) return undefined;
  if (passphraseFile !== undefined) warnIfReadable(passphraseFile, output);
  return checked(found, output);
}

/**
 * Refuses a passphrase for a new key that a machine guesses whatever the key derivation costs.
 *
 * @throws OtaError `signing/passphrase-unusable`.
 */
export function assertStrong(passphrase: string): void {
  const { length } = [...passphrase];
  if (length >= PASSPHRASE_LENGTH_MIN) return;
  const message = `the passphrase has ${length} characters; a new key's must have ${PASSPHRASE_LENGTH_MIN} at least`;
  throw unusable(message, "choose a longer one; --allow-weak-passphrase is for keys of a bench");
}

/** Warns of a file with a secret that other users of this machine can read. Pipes and devices have no lasting content. */
export function warnIfReadable(file: string, output: CommandOutput): void {
  if (process.platform === "win32") return;
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true || (found.mode & 0o077) === 0) return;
  output.warn(`${file} can be read by others on this machine; chmod 600 keeps it to its owner`);
}

/** Hides the environment's passphrase in all output, whether it is used or not: a program may repeat it. */
export function hidePassphrase(output: CommandOutput): void {
  const passphrase = output.world.env[PASSPHRASE_VARIABLE] ?? "";
  if (passphrase !== "") output.hide([passphrase]);
}

/**
 * Asks for the passphrase of a key that is there.
 *
 * @returns `undefined` where there is no terminal.
 */
export async function askPassphrase(
  file: string,
  output: CommandOutput,
  terminal: PromptTerminal = TERMINAL,
): Promise<string | undefined> {
  const answer = await askSecret(`Passphrase of ${file}: `, terminal);
  return answer === undefined ? undefined : checked(answer, output);
}

/**
 * Asks for a new key's passphrase, twice.
 *
 * @throws OtaError `signing/passphrase-unusable` where there is no terminal, or the answers differ.
 */
export async function askNewPassphrase(output: CommandOutput, terminal: PromptTerminal = TERMINAL): Promise<string> {
  const first = await askSecret("Passphrase of the new key: ", terminal);
  if (first === undefined) {
    const hint = `--passphrase-file, --passphrase-fd or the variable ${PASSPHRASE_VARIABLE} hand it over without one`;
    throw unusable("there is no terminal to ask for the passphrase on", hint);
  }
  const passphrase = checked(first, output);
  if ((await askSecret("The same again: ", terminal)) !== passphrase) throw unusable("the two passphrases differ");
  return passphrase;
}

const TERMINAL: PromptTerminal = {
  get input() {
    return process.stdin;
  },
  output: process.stderr,
};

function checked(passphrase: string, output: CommandOutput): string {
  if (passphrase === "") throw unusable("the passphrase is empty");
  output.hide([passphrase]);
  if (Buffer.byteLength(passphrase) <= PASSPHRASE_SIZE_MAX) return passphrase;
  throw unusable(`the passphrase is longer than ${PASSPHRASE_SIZE_MAX} bytes`);
}

function readLine(source: string | number): string {
  const name = typeof source === "number" ? `file descriptor ${source}` : source;
  try {
    const fd = typeof source === "number" ? source : openSync(source, "r");
    try {
      const [line = ""] = (decodeUtf8(readUpToLine(fd)) ?? "\n").split(/\r?\n/);
      return line;
    } finally {
      if (typeof source !== "number") closeSync(fd);
    }
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    throw new OtaError("signing/passphrase-unusable", `no passphrase can be read from ${name}${code}`, {}, { cause });
  }
}

function readUpToLine(fd: number): Uint8Array {
  const bytes = new Uint8Array(PASSPHRASE_SIZE_MAX + 2);
  let size = 0;
  while (size < bytes.length) {
    const count = readSync(fd, bytes, size, bytes.length - size, null);
    if (count === 0 || bytes.subarray(size, size + count).includes(0x0a)) return bytes.subarray(0, size + count);
    size += count;
  }
  return bytes;
}

function unusable(message: string, hint?: string): OtaError<"signing/passphrase-unusable"> {
  return new OtaError("signing/passphrase-unusable", message, {}, hint === undefined ? {} : { hint });
}
