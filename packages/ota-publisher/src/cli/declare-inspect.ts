import type { DeclareCommand } from "@tinybms/cli-kit";
import { byteCount } from "@tinybms/cli-kit";
import { InvalidArgumentError } from "commander";
import type { InspectCommandOptions } from "../commands/inspect.ts";
import { addPartitionPlaces } from "./partition-options.ts";

/** `tinybms-ota inspect`. */
export const declareInspect: DeclareCommand = (command, run) => {
  addPartitionPlaces(command)
    .argument(
      "<file>",
      "an app image, bootloader, partition table, otadata, NVS partition, signature block or a whole flash dump",
    )
    .option("--show-secrets", "show the strings and blobs of NVS")
    .option("--flash-size <size>", "size of the flash, for example 8MB", flashSize)
    .action((file: string, options: InspectCommandOptions) =>
      run(async (given: InspectCommandOptions, output) => {
        const { runInspect } = await import("../commands/inspect.ts");
        return runInspect(file, given, output);
      })(options),
    );
};

function flashSize(text: string): number {
  const size = byteCount(text);
  if (size >= 0x1_0000 && size <= 0x1000_0000) return size;
  throw new InvalidArgumentError("It must be a size such as 4MB, from 64KB to 256MB.");
}
