import { readFile, stat } from "node:fs/promises";
import { type CommandOutput, ExitCode, type OutputOptions, printable } from "@tinybms/cli-kit/output";
import { OtaError } from "@tinybms/ota-core";
import { hasSignatureForm, type PublicKey, verifySignature } from "@tinybms/ota-core/signing";
import { readSignableImage, type SignableImage } from "../signing/image-signature.ts";
import { readKeyText, readPublicKey } from "../signing/key-file.ts";
import { type SecureBootSignature, verifySecureBoot } from "../signing/secure-boot.ts";
import { reasonOf } from "../system-error.ts";

/** Options of `tinybms-ota verify`, as commander parses them. */
export interface VerifyCommandOptions extends OutputOptions {
  /** Public key file for a detached signature. */
  readonly key?: string;
  /** Public key file for a Secure Boot v2 signature, instead of `key`. */
  readonly secureBoot?: string;
  /** Path of the detached signature. @defaultValue The image's path with `.sig` */
  readonly signature?: string;
}

/** Common part of the document of `verify --json`. */
interface VerifyDocument {
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
  readonly valid: true;
}

/** Document of `verify --key`. */
interface DetachedDocument extends VerifyDocument {
  readonly signature: string;
  readonly keyid: string;
  readonly alg: string;
}

/** Document of `verify --secure-boot`. */
interface SecureBootDocument extends VerifyDocument {
  readonly secureBoot: SecureBootSignature;
}

/** Largest signature file to read, in bytes. No signature is larger than 512. */
const SIGNATURE_FILE_SIZE_MAX = 1024;

/**
 * Verifies a detached signature of an app image, as `sign` and `openssl dgst -sha256 -sign` create it, or the Secure
 * Boot v2 signature at the end of the image.
 *
 * @returns The exit code.
 * @throws {@link OtaError} `arguments/invalid` if the options do not name exactly one key,
 *   `signing/signature-mismatch`, `signing/not-an-image`, `signing/key-…`, `image/signature-invalid`,
 *   `image/file-unreadable`.
 */
export async function runVerify(file: string, options: VerifyCommandOptions, output: CommandOutput): Promise<number> {
  const { key, secureBoot, signature = `${file}.sig` } = options;
  if ((key === undefined) === (secureBoot === undefined)) {
    const message = "verify needs either --key or --secure-boot";
    throw new OtaError("arguments/invalid", message, { option: "--key" });
  }
  if (secureBoot !== undefined) return verifySector(file, secureBoot, output);
  return verifyDetached(file, key ?? "", signature, output);
}

async function verifyDetached(
  file: string,
  keyFile: string,
  signatureFile: string,
  output: CommandOutput,
): Promise<number> {
  const key = await readPublicKey(keyFile);
  const signature = await readSignature(signatureFile);
  const image = await readSignableImage(file);
  if (!verifySignature(key, image.bytes, signature)) throw mismatch(file, signatureFile, key, signature);
  const { keyid, alg } = key;
  const document: DetachedDocument = { ...documentOf(image), signature: signatureFile, keyid, alg };
  output.printJson(document);
  if (!output.quiet) output.print(`${printable(file)}: signed by key ${keyid} (${alg}), SHA-256 ${image.sha256}`);
  return ExitCode.done;
}

async function verifySector(file: string, keyFile: string, output: CommandOutput): Promise<number> {
  const pem = await readKeyText(keyFile);
  const image = await readSignableImage(file);
  const signature = verifySecureBoot(image.bytes, image.imageSize, pem);
  if (signature === undefined) {
    const message = `no block in the signature sector of ${file} is a signature by ${keyFile}`;
    throw new OtaError("signing/signature-mismatch", message, { file, keyid: "" });
  }
  const document: SecureBootDocument = { ...documentOf(image), secureBoot: signature };
  output.printJson(document);
  const { scheme, block, keyDigest } = signature;
  if (!output.quiet) output.print(`${printable(file)}: block ${block} (${scheme}), key digest ${keyDigest}`);
  return ExitCode.done;
}

function documentOf({ file, bytes, sha256 }: SignableImage): VerifyDocument {
  return { file, size: bytes.length, sha256, valid: true };
}

async function readSignature(file: string): Promise<Uint8Array> {
  try {
    const found = await stat(file);
    if (!found.isFile()) throw new Error("it is not a regular file");
    if (found.size > SIGNATURE_FILE_SIZE_MAX) throw new Error(`it is ${found.size} bytes; no signature is that large`);
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new OtaError("image/file-unreadable", `${file} can't be read: ${reason}`, { file }, { cause });
  }
}

function mismatch(file: string, signatureFile: string, key: PublicKey, signature: Uint8Array): OtaError {
  const { keyid, alg } = key;
  const message = hasSignatureForm(key, signature)
    ? `${signatureFile} is not a signature of ${file} by key ${keyid}: the file, the signature or the key is a different one`
    : `${signatureFile} does not have the form of a signature with ${alg}: it has ${signature.length} bytes`;
  return new OtaError("signing/signature-mismatch", message, { file, keyid });
}
