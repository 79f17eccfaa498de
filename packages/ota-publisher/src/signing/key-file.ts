import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { CommandOutput } from "@tinybms/cli-kit/output";
import { isOtaError, OtaError, utf8 } from "@tinybms/ota-core";
import { type NewFile, writeNewFiles } from "@tinybms/ota-core/node";
import {
  buildPublicKeyPem,
  type KeyedSignature,
  type PublicKey,
  parsePem,
  parsePublicKey,
  parsePublicKeyPem,
} from "@tinybms/ota-core/signing";
import { codeOf, reasonOf } from "../system-error.ts";
import { encryptPrivateKey } from "./encrypt-key.ts";
import { askPassphrase, givenPassphrase, type PassphraseOptions, warnIfReadable } from "./passphrase.ts";

/** Opened private key. */
export interface PrivateKey {
  readonly key: PublicKey;
  /** Signs a message. */
  sign(message: Uint8Array): KeyedSignature;
}

/** Largest key file, in bytes. */
const KEY_FILE_SIZE_MAX = 16_384;

/** PEM labels of private keys. Traditional forms must not be encrypted. */
const PRIVATE_LABELS: readonly string[] = ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"];

/**
 * Opens a private key: a PEM file in PKCS #8, encrypted or not. The passphrase comes from `options`, the environment or
 * the terminal.
 *
 * @throws {@link OtaError} `signing/key-unreadable`, `signing/key-malformed`, `signing/key-unsupported`,
 *   `signing/key-encrypted` if there is no passphrase, `signing/passphrase-wrong`.
 */
export async function openPrivateKey(
  file: string,
  options: PassphraseOptions,
  output: CommandOutput,
): Promise<PrivateKey> {
  const pem = await readKeyText(file);
  const { label } = ofFile(file, () => parsePem(pem));
  if (!PRIVATE_LABELS.includes(label)) {
    const message = `${file} holds ${label}; it must be a private key (-----BEGIN PRIVATE KEY-----)`;
    throw new OtaError("signing/key-malformed", message, {});
  }
  const isEncrypted = label === "ENCRYPTED PRIVATE KEY";
  const privateKey = isEncrypted ? await decrypt(file, pem, options, output) : decode(file, pem);
  const key = ofFile(file, () => publicKeyOf(privateKey));
  warnIfReadable(file, output);
  const digest = key.alg === "ed25519" ? null : "sha256";
  return { key, sign: (message) => ({ key, signature: Uint8Array.from(sign(digest, message, privateKey)) }) };
}

/**
 * Reads a public key file.
 *
 * @throws {@link OtaError} `signing/key-unreadable`, `signing/key-malformed`, `signing/key-unsupported`.
 */
export async function readPublicKey(file: string): Promise<PublicKey> {
  const text = await readKeyText(file);
  return ofFile(file, () => parsePublicKeyPem(text));
}

/**
 * Writes a new key pair: `file`, readable by its owner only, and `<file>.pub`. Writes both or neither.
 *
 * @param passphrase - Encrypts the private key: see `encryptPrivateKey`.
 * @returns The public key.
 * @throws {@link OtaError} `signing/key-exists` if one of the files exists: nothing is overwritten;
 *   `signing/key-unreadable` if the files can't be written.
 */
export async function writeKeyPair(
  file: string,
  privateKey: KeyObject,
  passphrase: string | undefined,
): Promise<PublicKey> {
  const key = publicKeyOf(privateKey);
  const pem =
    passphrase === undefined
      ? String(privateKey.export({ type: "pkcs8", format: "pem" }))
      : encryptPrivateKey(privateKey, passphrase);
  await writeNew([publicFileOf(file, key), { path: file, bytes: utf8(pem), mode: 0o600 }]);
  return key;
}

/**
 * Writes a public key to `<file>.pub`.
 *
 * @returns `false` if the file already exists with this key.
 * @throws {@link OtaError} `signing/key-exists` if the file exists with other content; `signing/key-unreadable`.
 */
export async function writePublicKey(file: string, key: PublicKey): Promise<boolean> {
  try {
    await writeNew([publicFileOf(file, key)]);
    return true;
  } catch (error) {
    const isThere = isOtaError(error) && error.code === "signing/key-exists";
    const found = isThere ? await readPublicKey(`${file}.pub`).catch(() => undefined) : undefined;
    if (found?.keyid !== key.keyid) throw error;
    return false;
  }
}

function publicFileOf(file: string, key: PublicKey): NewFile {
  return { path: `${file}.pub`, bytes: utf8(buildPublicKeyPem(key)), mode: 0o644 };
}

function publicKeyOf(privateKey: KeyObject): PublicKey {
  return parsePublicKey(createPublicKey(privateKey).export({ type: "spki", format: "der" }));
}

async function decrypt(
  file: string,
  pem: string,
  options: PassphraseOptions,
  output: CommandOutput,
): Promise<KeyObject> {
  const given = givenPassphrase(options, output);
  const passphrase = given ?? (output.world.isUnattended === true ? undefined : await askPassphrase(file, output));
  if (passphrase === undefined) {
    const hint = "pass it with --passphrase-file, --passphrase-fd or the variable TINYBMS_OTA_PASSPHRASE";
    throw new OtaError("signing/key-encrypted", `${file} is encrypted; its passphrase is needed`, { file }, { hint });
  }
  try {
    return createPrivateKey({ key: pem, passphrase });
  } catch {
    // OpenSSL's reason is omitted: it depends on the bytes that the wrong passphrase produced.
    const message = `${file} can't be decrypted: the passphrase is wrong, or the file is damaged`;
    throw new OtaError("signing/passphrase-wrong", message, { file });
  }
}

function decode(file: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new OtaError("signing/key-malformed", `${file} is malformed: it does not contain a private key`, {});
  }
}

/**
 * Reads the text of a key file.
 *
 * @throws {@link OtaError} `signing/key-unreadable`, also for a file above 16 KiB.
 */
export async function readKeyText(file: string): Promise<string> {
  try {
    const { size } = await stat(file).then((found) =>
      found.isFile() ? found : Promise.reject(new Error("it is not a regular file")),
    );
    if (size > KEY_FILE_SIZE_MAX) throw new Error(`${size} bytes; no key is that large`);
    return await readFile(file, "latin1");
  } catch (cause) {
    throw unreadable(file, "read", cause);
  }
}

async function writeNew(files: readonly NewFile[]): Promise<void> {
  const { path = "" } = files.at(-1) ?? {};
  await writeNewFiles(files).catch((cause: unknown) => {
    throw codeOf(cause) === "EEXIST" ? exists(destinationOf(cause) ?? path, cause) : unreadable(path, "written", cause);
  });
}

/** Returns the existing file in an error of link(2), whose second path Node.js calls `dest`. */
function destinationOf(error: unknown): string | undefined {
  return error instanceof Error && "dest" in error ? String(error.dest) : undefined;
}

function exists(file: string, cause: unknown): OtaError<"signing/key-exists"> {
  const hint = "keys are never overwritten: choose another name, or move the old key";
  return new OtaError("signing/key-exists", `${file} already exists`, { file }, { cause, hint });
}

/** Adds the file's name to an error about a key. */
function ofFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isOtaError(error)) throw error;
    const { hint } = error;
    throw new OtaError(error.code, `${file}: ${error.message}`, error.details, { cause: error, hint });
  }
}

function unreadable(file: string, verb: string, cause: unknown): OtaError<"signing/key-unreadable"> {
  const reason = reasonOf(cause);
  return new OtaError("signing/key-unreadable", `${file} can't be ${verb}: ${reason}`, { file }, { cause });
}
