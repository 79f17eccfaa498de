import { CHIPS, type ChipName, FLASH_SIZES } from "@tinybms/ota-core";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { OutputOptions } from "./command-output.ts";
import { partitionTableOffset } from "./partition-table-offset.ts";

/** The options of `tinybms-sim flash`. */
export interface FlashOptions {
  readonly output: string;
  readonly app: string;
  readonly partitionTable?: string;
  /** Flash address in bytes. */
  readonly partitionTableOffset?: number;
  readonly bootloader?: string;
  readonly nvs?: string;
  /** Further contents, each `LABEL=FILE`. */
  readonly partition?: readonly string[];
  readonly chip?: ChipName;
  /** In bytes. */
  readonly flashSize?: number;
}

/** Declares `flash`. */
export function declareFlash(command: Command, action: (options: FlashOptions & OutputOptions) => Promise<void>): void {
  command
    .description("build a whole flash, byte for byte as esptool merge-bin does")
    .allowExcessArguments(false)
    .requiredOption("--output <file>", "the flash image to write")
    .requiredOption("--app <file>", "the app image, for factory, or ota_0 where there is none")
    .option("--partition-table <file>", "the table, as CSV or binary; two OTA slots without it")
    .option("--partition-table-offset <offset>", "where the table goes, if not to 0x8000", partitionTableOffset)
    .option("--bootloader <file>", "the second-stage bootloader; without it only simulated devices start")
    .option("--nvs <file>", "the NVS partition, as nvs_partition_gen writes it")
    .option(
      "--partition <label=file>",
      "what another partition holds, such as otadata=boot_app0.bin; may be given again",
      (value: string, previous: readonly string[] = []) => [...previous, value],
    )
    .addOption(
      new Option("--chip <name>", "the chip; that of the app without it").choices(CHIPS.map(({ name }) => name)),
    )
    .option("--flash-size <size>", "1MB … 128MB, put into the bootloader's header too; what is needed without it", size)
    .option("--json", "print one JSON document on standard output when it ends")
    .option("--verbose", "say more")
    .option("--quiet", "say only what is wrong, and the result")
    .action(action);
}

function size(text: string): number {
  if (FLASH_SIZES.includes(text)) return Number.parseInt(text, 10) * 2 ** 20;
  throw new InvalidArgumentError(`It must be one of ${FLASH_SIZES.join(", ")}.`);
}
