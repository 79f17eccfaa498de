import { InvalidArgumentError } from "commander";
import type { InspectCommandOptions } from "../commands/inspect.ts";
import type { Declare } from "./declare.ts";

/** `tinybms-ota inspect`. */
export const declareInspect: Declare = (command, run) => {
  command
    .argument(
      "<file>",
      "an app image, bootloader, partition table, otadata, NVS partition, signature block or a whole flash dump",
    )
    .option("--show-secrets", "show the strings and blobs of NVS")
    .option("--flash-size <size>", "size of the flash of a partition table, for example 8MB", flashSize)
    .action((file: string, options: InspectCommandOptions) =>
      run(async (given: InspectCommandOptions, console) => {
        const { runInspect } = await import("../commands/inspect.ts");
        return runInspect(file, given, console);
      })(options),
    );
};

/** Bytes, with esptool's suffix `MB` for 2 to the power of 20. */
function flashSize(text: string): number {
  const [, digits, suffix] = /^(\d+|0x[0-9a-f]+)(MB|M|KB|K)?$/i.exec(text) ?? [];
  const unit = suffix === undefined ? 1 : suffix.toUpperCase().startsWith("M") ? 0x10_0000 : 0x400;
  const size = Number(digits) * unit;
  if (size >= 0x1_0000 && size <= 0x1000_0000) return size;
  throw new InvalidArgumentError("It must be a size such as 4MB, from 64KB to 256MB.");
}
