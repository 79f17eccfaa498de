import type { DeclareCommand } from "@tinybms/cli-kit";
import { addExamples, byteCount } from "@tinybms/cli-kit";
import { InvalidArgumentError } from "commander";
import type { InspectCommandOptions } from "../commands/inspect.ts";
import { addPartitionPlaces } from "./partition-options.ts";

/** Declares `tinybms-ota inspect`. */
export const declareInspect: DeclareCommand = (command, run) => {
  command
    .argument("<file>", "app image, bootloader, partition table, otadata, NVS partition, signature block or flash dump")
    .option("--show-secrets", "show strings and blobs stored in NVS")
    .option("--flash-size <size>", "size of the flash, such as 8MB", flashSize);
  addPartitionPlaces(command).action((file: string, options: InspectCommandOptions) =>
    run(async (given: InspectCommandOptions, output) => {
      const { runInspect } = await import("../commands/inspect.ts");
      return runInspect(file, given, output);
    })(options),
  );
  addExamples(
    command,
    "tinybms-ota inspect build/app.bin",
    "# a whole flash, read with tinybms-ota read-flash or esptool read-flash 0 ALL",
    "tinybms-ota inspect flash.bin --json",
  );
};

function flashSize(text: string): number {
  const size = byteCount(text);
  if (size >= 0x1_0000 && size <= 0x1000_0000) return size;
  throw new InvalidArgumentError("It must be a size such as 4MB, from 64KB to 256MB.");
}
