import { open } from "node:fs/promises";
import { inspectImage, OtaError } from "@tinybms/ota-core";
import type { CommandConsole, OutputOptions } from "./console.ts";
import { ExitCode } from "./exit-code.ts";
import { inspectionText } from "./inspect-text.ts";

/** Options of `tinybms-ota inspect`, as commander reads them. */
export interface InspectCommandOptions extends OutputOptions {
  readonly showSecrets?: boolean;
  /** Bytes. */
  readonly flashSize?: number;
}

/** No flash of the family is larger than 128 MiB. */
const FILE_SIZE_MAX = 256 * 1024 * 1024;

/**
 * Says what a file is, by its content, and what is wrong with it.
 *
 * @returns The exit code: 0 if nothing is wrong, else 2.
 * @throws OtaError `image/file-unreadable` if the file can't be read, or is larger than any flash.
 */
export async function runInspect(
  file: string,
  options: InspectCommandOptions,
  console: CommandConsole,
): Promise<number> {
  const { showSecrets = false, flashSize } = options;
  const bytes = await read(file);
  const inspection = inspectImage(bytes, { showSecrets, ...(flashSize === undefined ? {} : { flashSize }) });
  console.printJson(inspection);
  const wanted = console.quiet && inspection.valid ? [] : inspectionText(file, inspection, console);
  for (const line of wanted) console.print(line);
  return inspection.valid ? ExitCode.done : ExitCode.wrongInput;
}

async function read(file: string): Promise<Uint8Array> {
  const handle = await open(file, "r").catch((cause: unknown) => {
    throw unreadable(file, "can't be opened", cause);
  });
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) throw unreadable(file, "is a folder; it must be a file");
    if (stats.size > FILE_SIZE_MAX) {
      throw unreadable(file, `is ${stats.size} bytes; no flash is larger than 128 MiB`);
    }
    return new Uint8Array(await handle.readFile());
  } catch (cause) {
    throw cause instanceof OtaError ? cause : unreadable(file, "can't be read", cause);
  } finally {
    await handle.close();
  }
}

function unreadable(file: string, why: string, cause?: unknown): OtaError<"image/file-unreadable"> {
  const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return new OtaError("image/file-unreadable", `${file} ${why}${code}`, { file }, { cause });
}
