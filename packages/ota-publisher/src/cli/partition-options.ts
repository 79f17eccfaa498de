import { byteCount } from "@tinybms/cli-kit";
import { chipByName } from "@tinybms/ota-core/esp";
import { type Command, InvalidArgumentError } from "commander";

/** Declares the options of `PartitionPlaceOptions`, named as those of ESP-IDF's `parttool.py`. */
export function addPartitionPlaces(command: Command): Command {
  return command
    .optionsGroup("Partition layout:")
    .option("--partition-table-offset <offset>", "flash address of the partition table (default: 0x8000)", byteCount)
    .option(
      "--primary-bootloader-offset <offset>",
      "flash address of the bootloader, or the name of a chip; for CSV rows of type bootloader",
      bootloaderOffset,
    )
    .option(
      "--recovery-bootloader-offset <offset>",
      "flash address of the recovery bootloader; for its CSV row",
      byteCount,
    );
}

function bootloaderOffset(text: string): number {
  const chip = chipByName(text);
  if (chip !== undefined) return chip.bootloaderOffset;
  try {
    return byteCount(text);
  } catch {
    throw new InvalidArgumentError("It must be an offset such as 0x1000, or the name of a chip.");
  }
}
