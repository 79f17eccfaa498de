import { addExamples, type DeclareCommand, repeatable } from "@tinybms/cli-kit";
import { CHIPS, FLASH_SIZES } from "@tinybms/ota-core/esp";
import { InvalidArgumentError, Option } from "commander";
import type { FlashOptions } from "./flash-command.ts";
import { partitionTableOffset } from "./partition-table-offset.ts";

/** Declares `flash`. */
export const declareFlash: DeclareCommand = (command, run) => {
  command
    .optionsGroup("Flash image:")
    .requiredOption("--output <file>", "flash image to write")
    .option(
      "--flash-size <size>",
      "1MB to 128MB, also written to the bootloader header (default: what the table needs, at least 4MB)",
      size,
    )
    .optionsGroup("Contents:")
    .requiredOption("--app <file>", "app image; goes to factory, or to ota_0 if there is no factory partition")
    .option("--bootloader <file>", "second-stage bootloader; a flash without one starts only in the simulator")
    .option("--partition-table <file>", "partition table, CSV or binary (default: two OTA slots)")
    .option(
      "--partition-table-offset <offset>",
      "flash address of the partition table (default: 0x8000)",
      partitionTableOffset,
    )
    .option("--nvs <file>", "NVS partition, as tinybms-ota provision or nvs_partition_gen.py writes it")
    .addOption(
      repeatable(
        "--partition <label=file>",
        "content of another partition, such as otadata=boot_app0.bin (repeatable)",
      ),
    )
    .addOption(new Option("--chip <name>", "chip (default: the app's)").choices(CHIPS.map(({ name }) => name)))
    .action(
      run(async (options: FlashOptions, output) => {
        const { flash } = await import("./flash-command.ts");
        return flash(options, output);
      }),
    );
  addExamples(
    command,
    "tinybms-sim flash --output flash.bin --app build/app.bin",
    "tinybms-sim flash --output flash.bin --app build/app.bin --bootloader build/bootloader/bootloader.bin --nvs bench-1.bin",
  );
};

function size(text: string): number {
  if (FLASH_SIZES.includes(text)) return Number.parseInt(text, 10) * 2 ** 20;
  throw new InvalidArgumentError(`It must be one of ${FLASH_SIZES.join(", ")}.`);
}
