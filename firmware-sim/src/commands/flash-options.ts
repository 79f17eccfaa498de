import { type DeclareCommand, repeatable } from "@tinybms/cli-kit";
import { CHIPS, FLASH_SIZES } from "@tinybms/ota-core/esp";
import { InvalidArgumentError, Option } from "commander";
import type { FlashOptions } from "./flash.ts";
import { partitionTableOffset } from "./partition-table-offset.ts";

/** Declares `flash`. */
export const declareFlash: DeclareCommand = (command, run) => {
  command
    .requiredOption("--output <file>", "the flash image to write")
    .requiredOption("--app <file>", "the app image, for factory, or ota_0 where there is none")
    .option("--partition-table <file>", "the table, as CSV or binary; two OTA slots without it")
    .option("--partition-table-offset <offset>", "where the table goes, if not to 0x8000", partitionTableOffset)
    .option("--bootloader <file>", "the second-stage bootloader; without it only simulated devices start")
    .option("--nvs <file>", "the NVS partition, as nvs_partition_gen writes it")
    .addOption(
      repeatable(
        "--partition <label=file>",
        "what another partition holds, such as otadata=boot_app0.bin; may be given again",
      ),
    )
    .addOption(
      new Option("--chip <name>", "the chip; that of the app without it").choices(CHIPS.map(({ name }) => name)),
    )
    .option("--flash-size <size>", "1MB … 128MB, put into the bootloader's header too; what is needed without it", size)
    .action(
      run(async (options: FlashOptions, output) => {
        const { flash } = await import("./flash.ts");
        return flash(options, output);
      }),
    );
};

function size(text: string): number {
  if (FLASH_SIZES.includes(text)) return Number.parseInt(text, 10) * 2 ** 20;
  throw new InvalidArgumentError(`It must be one of ${FLASH_SIZES.join(", ")}.`);
}
