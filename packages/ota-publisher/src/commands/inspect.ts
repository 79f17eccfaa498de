import { type CommandOutput, ExitCode, type OutputOptions } from "@tinybms/cli-kit/output";
import { inspectImage } from "@tinybms/ota-core/esp";
import { type PartitionPlaceOptions, placesOf } from "../partition-places.ts";
import { readWholeFile } from "../whole-file.ts";
import { inspectionText } from "./inspect-text.ts";

/** Options of `tinybms-ota inspect`, as commander parses them. */
export interface InspectCommandOptions extends OutputOptions, PartitionPlaceOptions {
  readonly showSecrets?: boolean;
  /** Size of the flash, in bytes. */
  readonly flashSize?: number;
}

/**
 * Identifies a file by its content and reports its problems.
 *
 * @returns The exit code: 0 without problems, otherwise 2.
 * @throws {@link OtaError} `image/file-unreadable` if the file can't be read or is larger than any flash.
 */
export async function runInspect(file: string, options: InspectCommandOptions, output: CommandOutput): Promise<number> {
  const { showSecrets = false, flashSize } = options;
  const bytes = await readWholeFile(file);
  const inspection = inspectImage(bytes, { showSecrets, flashSize, ...placesOf(options) });
  output.printJson(inspection);
  if (!output.json && !(output.quiet && inspection.valid)) {
    for (const line of inspectionText(file, inspection, output)) output.print(line);
  }
  return inspection.valid ? ExitCode.done : ExitCode.wrongInput;
}
