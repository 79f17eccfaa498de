import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { open, readFile, rm, stat } from "node:fs/promises";
import {
  buildPublicKeyPem,
  isOtaError,
  type KeyedSignature,
  OtaError,
  type PublicKey,
  parsePem,
  parsePublicKey,
  parsePublicKeyPem,
} from "@tinybms/ota-core";
import type { CommandConsole } from "../console/console.ts";
import { askPassphrase, givenPassphrase, type PassphraseOptions } from "./passphrase.ts";

/** A private key that was opened. */
export interface PrivateKey {
  readonly key: PublicKey;
  sign(message: Uint8Array): KeyedSignature;
}

/** More bytes than any key file has. */
const KEY_FILE_SIZE_MAX = 16_384;

/** What a private key's file may hold; traditional forms only without encryption. */
const PRIVATE_LABELS: readonly string[] = ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"];

/**
 * Opens a private key: PEM of PKCS #8, with a passphrase or without.
 *
 * The passphrase comes from where `options` says, from the environment, or from the terminal.
 *
 * @throws OtaError `signing/key-unreadable`, `signing/key-malformed`, `signing/key-unsupported`,
 *   `signing/key-encrypted` where no passphrase is to be had, `signing/passphrase-wrong`.
 */
export async function openPrivateKey(
  file: string,
  options: PassphraseOptions,
  console: CommandConsole,
): Promise<PrivateKey> {
  const pem = await readKeyText(file);
  const { label } = ofFile(file, () => parsePem(pem));
  if (!PRIVATE_LABELS.includes(label)) {
    const message = `${file} holds ${label}; it must be a private key (-----BEGIN PRIVATE KEY-----)`;
    throw new OtaError("signing/key-malformed", message, {});
  }
  const isEncrypted = label === "ENCRYPTED PRIVATE KEY";
  const privateKey = isEncrypted ? await decrypt(file, pem, options, console) : decode(file, pem);
  const key = ofFile(file, () => publicKeyOf(privateKey));
  await warnIfReadable(file, console);
  const digest = key.alg === "ed25519" ? null : "sha256";
  return { key, sign: (message) => ({ key, signature: Uint8Array.from(sign(digest, message, privateKey)) }) };
}

/**
 * Reads a public key's file.
 *
 * @throws OtaError `signing/key-unreadable`, `signing/key-malformed`, `signing/key-unsupported`.
 */
export async function readPublicKey(file: string): Promise<PublicKey> {
  const text = await readKeyText(file);
  return ofFile(file, () => parsePublicKeyPem(text));
}

/**
 * Writes a new key: `file`, which its owner alone can read, and `file`.pub.
 *
 * @param passphrase - Encrypts it: PKCS #8, PBKDF2 and AES-256.
 * @returns The public key.
 * @throws OtaError `signing/key-exists` where one of the files is there: nothing is overwritten;
 *   `signing/key-unreadable` where they can't be written.
 */
export async function writeKeyPair(
  file: string,
  privateKey: KeyObject,
  passphrase: string | undefined,
): Promise<PublicKey> {
  const key = publicKeyOf(privateKey);
  const encryption = passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase };
  const pem = privateKey.export({ type: "pkcs8", format: "pem", ...encryption });
  await writeNew(file, String(pem), 0o600);
  try {
    await writeNew(`${file}.pub`, buildPublicKeyPem(key), 0o644);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
  return key;
}

function publicKeyOf(privateKey: KeyObject): PublicKey {
  return parsePublicKey(createPublicKey(privateKey).export({ type: "spki", format: "der" }));
}

async function decrypt(
  file: string,
  pem: string,
  options: PassphraseOptions,
  console: CommandConsole,
): Promise<KeyObject> {
  const passphrase = givenPassphrase(options, console) ?? (await askPassphrase(file, console));
  if (passphrase === undefined) {
    const hint = "--passphrase-file, --passphrase-fd or the variable TINYBMS_OTA_PASSPHRASE hand it over";
    throw new OtaError("signing/key-encrypted", `${file} is encrypted; its passphrase is needed`, { file }, { hint });
  }
  try {
    return createPrivateKey({ key: pem, passphrase });
  } catch {
    // OpenSSL's reason is no help, and is not told: it depends on what the wrong passphrase made of the bytes.
    const message = `${file} can't be decrypted: the passphrase is wrong, or the file is damaged`;
    throw new OtaError("signing/passphrase-wrong", message, { file });
  }
}

function decode(file: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new OtaError("signing/key-malformed", `${file} is malformed: what it holds is no private key`, {});
  }
}

/**
 * The text of a key's file.
 *
 * @throws OtaError `signing/key-unreadable`, for more than 16 KiB too.
 */
export async function readKeyText(file: string): Promise<string> {
  try {
    const { size } = await stat(file).then((found) =>
      found.isFile() ? found : Promise.reject(new Error("it is no regular file")),
    );
    if (size > KEY_FILE_SIZE_MAX) throw new Error(`${size} bytes; no key is that large`);
    return await readFile(file, "latin1");
  } catch (cause) {
    throw unreadable(file, "read", cause);
  }
}

async function writeNew(file: string, text: string, mode: number): Promise<void> {
  try {
    const handle = await open(file, "wx", mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw unreadable(file, "written", cause);
    const hint = "keys are never overwritten: choose another name, or move the old key away";
    throw new OtaError("signing/key-exists", `${file} is there already`, { file }, { cause, hint });
  }
}

async function warnIfReadable(file: string, console: CommandConsole): Promise<void> {
  if (process.platform === "win32") return;
  const { mode } = await stat(file);
  if ((mode & 0o077) === 0) return;
  console.warn(`${file} can be read by others on this machine; chmod 600 keeps it to its owner`);
}

/** A key's fault with the file that it is in. */
function ofFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isOtaError(error)) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new OtaError(error.code, `${file}: ${error.message}`, error.details, { cause: error, ...hint });
  }
}

function unreadable(file: string, verb: string, cause: unknown): OtaError<"signing/key-unreadable"> {
  const reason = codeOf(cause) ?? (cause instanceof Error ? cause.message : String(cause));
  return new OtaError("signing/key-unreadable", `${file} can't be ${verb}: ${reason}`, { file }, { cause });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
