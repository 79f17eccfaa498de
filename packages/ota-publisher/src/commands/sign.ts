import { type CommandOutput, ExitCode, type OutputOptions, printable } from "@tinybms/cli-kit/output";
import { OtaError } from "@tinybms/ota-core";
import { writeFileAtomically } from "@tinybms/ota-core/node";
import { readSignableImage } from "../signing/image-signature.ts";
import { openSigners, type SigningOptions } from "../signing/signers.ts";

/** Options of `tinybms-ota sign`, as commander parses them. */
export interface SignCommandOptions extends OutputOptions, SigningOptions {
  /** Path of the signature. @defaultValue The image's path with `.sig` */
  readonly out?: string;
}

/** Document of `sign --json`. */
interface SignDocument {
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
  readonly signature: string;
  readonly keyid: string;
  readonly alg: string;
}

/**
 * Writes a detached signature of an app image: the raw signature over the whole file, as `openssl dgst -sha256 -sign`
 * creates it.
 *
 * @returns The exit code.
 * @throws {@link OtaError} `arguments/invalid` if the options do not name exactly one signer; `signing/…`;
 *   `image/file-unreadable`.
 */
export async function runSign(file: string, options: SignCommandOptions, output: CommandOutput): Promise<number> {
  const { out = `${file}.sig` } = options;
  const [sign, ...more] = await openSigners(options, output);
  if (sign === undefined || more.length > 0) {
    const message = "sign needs exactly one --sign-key or --sign-command";
    throw new OtaError("arguments/invalid", message, { option: "--sign-key" });
  }
  const image = await readSignableImage(file);
  const { key, signature } = await sign(image.bytes);
  await write(out, signature);
  const { keyid, alg } = key;
  const document: SignDocument = { file, size: image.bytes.length, sha256: image.sha256, signature: out, keyid, alg };
  output.printJson(document);
  if (!output.quiet) {
    output.print(`signed ${printable(file)}, ${image.bytes.length} bytes, SHA-256 ${image.sha256}`);
    output.print(`with key ${keyid} (${alg}): ${printable(out)}, ${signature.length} bytes`);
  }
  return ExitCode.done;
}

async function write(file: string, signature: Uint8Array): Promise<void> {
  try {
    await writeFileAtomically(file, signature);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    throw new OtaError("image/file-unreadable", `${file} can't be written${code}`, { file }, { cause });
  }
}
