import { closeSync, openSync, readSync, statSync } from "node:fs";
import type { CommandOutput } from "@tinybms/cli-kit/output";
import { decodeUtf8, OtaError } from "@tinybms/ota-core";
import { askSecret, type PromptTerminal } from "./prompt.ts";

/** Environment variable with a passphrase. */
export const PASSPHRASE_VARIABLE = "TINYBMS_OTA_PASSPHRASE";

/** Sources of a passphrase. It is never an argument, because every user of the machine can see arguments. */
export interface PassphraseOptions {
  /** Path of a file whose first line is the passphrase. */
  readonly passphraseFile?: string | undefined;
  /** Open file descriptor whose first line is the passphrase. */
  readonly passphraseFd?: number | undefined;
}

const PASSPHRASE_SIZE_MAX = 1024;

/** Shortest passphrase for a new key, in characters (NIST SP 800-63B section 5.1.1.1). */
const PASSPHRASE_LENGTH_MIN = 8;

/**
 * Reads the passphrase from a file, a file descriptor or the environment, and hides it in all output.
 *
 * @returns `undefined` if there is none.
 * @throws {@link OtaError} `signing/passphrase-unusable`.
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
 * Checks that a passphrase for a new key is long enough to resist guessing.
 *
 * @throws {@link OtaError} `signing/passphrase-unusable`.
 */
export function assertStrong(passphrase: string): void {
  const { length } = [...passphrase];
  if (length >= PASSPHRASE_LENGTH_MIN) return;
  const message = `the passphrase has ${length} characters; that of a new key must have at least ${PASSPHRASE_LENGTH_MIN}`;
  throw unusable(message, "choose a longer one; --allow-weak-passphrase is for keys of a test bench");
}

/** Warns if other users of this machine can read a file with a secret. Ignores pipes and devices. */
export function warnIfReadable(file: string, output: CommandOutput): void {
  if (process.platform === "win32") return;
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true || (found.mode & 0o077) === 0) return;
  output.warn(`${file} can be read by other users of this machine; chmod 600 makes it private`);
}

/** Hides the environment's passphrase in all output, even if it is not used: a program may print it. */
export function hidePassphrase(output: CommandOutput): void {
  const passphrase = output.world.env[PASSPHRASE_VARIABLE] ?? "";
  if (passphrase !== "") output.hide([passphrase]);
}

/**
 * Prompts for the passphrase of an existing key.
 *
 * @returns `undefined` if there is no terminal.
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
 * Prompts twice for the passphrase of a new key.
 *
 * @throws {@link OtaError} `signing/passphrase-unusable` if there is no terminal, or the answers differ.
 */
export async function askNewPassphrase(output: CommandOutput, terminal: PromptTerminal = TERMINAL): Promise<string> {
  const first = await askSecret("Passphrase of the new key: ", terminal);
  if (first === undefined) {
    const hint = `pass it with --passphrase-file, --passphrase-fd or the variable ${PASSPHRASE_VARIABLE}`;
    throw unusable("there is no terminal to prompt for the passphrase", hint);
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
  return new OtaError("signing/passphrase-unusable", message, {}, { hint });
}
