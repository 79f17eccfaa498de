import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OtaError } from "@tinybms/ota-core";
import { buildNvsKeys, formatNvsCsv, type NvsEntryInput, type NvsKeys } from "@tinybms/ota-core/esp";
import { assertContent } from "./check-content.ts";
import { findGenerator } from "./find-generator.ts";
import { runProcess } from "./run-process.ts";

/** Contents of a partition: entries, or CSV in the generator's format. */
export type NvsPartitionContent =
  | { readonly entries: readonly NvsEntryInput[]; readonly csv?: undefined }
  | { readonly csv: string; readonly entries?: undefined };

/** Options of {@link generateNvsPartition}. */
export type GenerateNvsPartitionOptions = NvsPartitionContent & {
  /** Folder of relative file names in `csv`. @defaultValue The current folder */
  readonly folder?: string | undefined;
  /** Size of the partition in bytes, a multiple of 4096. */
  readonly sizeBytes: number;
  /** Format version. @defaultValue 2 */
  readonly version?: 1 | 2 | undefined;
  /** Encrypts the partition with these keys. */
  readonly encryption?: NvsKeys | undefined;
  /** Path of a Python to use before all others. */
  readonly python?: string | undefined;
  /** Environment variables: `PATH`, the cache folder's and ESP-IDF's. @defaultValue `process.env` */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with a message at each step of the generator's first set-up. */
  readonly onProgress?: ((message: string) => void) | undefined;
};

/**
 * Creates an NVS partition with Espressif's generator. Checks the content first, then finds or sets up the generator as
 * the command does.
 *
 * @returns The partition. If `sizeBytes` is below 0x3000, the generator omits blank pages at the end.
 * @throws {@link OtaError} `nvs/csv-invalid`.
 * @throws {@link OtaError} `nvs/entry-invalid`.
 * @throws {@link OtaError} `nvs/size-invalid`.
 * @throws {@link OtaError} `nvs/keys-invalid`.
 * @throws {@link OtaError} `nvs/generator-missing` if the generator can't be started.
 * @throws {@link OtaError} `nvs/generator-failed` if it exits with another code than 0.
 * @throws The signal's reason.
 */
export async function generateNvsPartition(options: GenerateNvsPartitionOptions): Promise<Uint8Array> {
  const { sizeBytes, version = 2, encryption, env = process.env, folder = process.cwd(), signal } = options;
  // The generator rejects a byte-order mark and empty lines before the header.
  const csv = (options.csv ?? formatNvsCsv(options.entries)).replace(/^\uFEFF?[\r\n]*/, "");
  assertContent(csv, folder, { sizeBytes, version });
  const keys = encryption === undefined ? undefined : buildNvsKeys(encryption);
  const generator = await findGenerator({ ...options, env });
  // The CSV may contain passwords. Only the owner can read a folder from `mkdtemp`.
  const work = await mkdtemp(join(tmpdir(), "esp-idf-nvs-partition-gen-"));
  try {
    const [input, output, keyFile] = [join(work, "nvs.csv"), join(work, "nvs.bin"), join(work, "keys.bin")];
    await writeFile(input, csv, { mode: 0o600 });
    if (keys !== undefined) await writeFile(keyFile, keys, { mode: 0o600 });
    const command = [keys === undefined ? "generate" : "encrypt", input, output, `0x${sizeBytes.toString(16)}`];
    const choices = ["--version", String(version), ...(keys === undefined ? [] : ["--inputkey", keyFile])];
    const { program, args } = generator;
    const call = { program, args: [...args, ...command, ...choices], env: generator.env, cwd: folder, signal };
    const result = await runProcess(call).catch((error: unknown) => {
      throw signal?.aborted === true ? error : failed(126, `${program} can't be started`, error);
    });
    if (result.exitCode !== 0) throw failed(result.exitCode, result.output.trim().split("\n").at(-1) ?? "");
    return Uint8Array.from(await readFile(output));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function failed(exitCode: number, reason: string, cause?: unknown): OtaError<"nvs/generator-failed"> {
  const message = `Espressif's NVS partition generator ended with ${exitCode}: ${reason}`;
  return new OtaError("nvs/generator-failed", message, { exitCode }, { cause });
}
