import type { DeclareCommand } from "@tinybms/cli-kit";
import { baudRate, byteCount, positiveNumber, repeatable } from "@tinybms/cli-kit";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { FlashCommandOptions } from "../commands/flash-options.ts";
import type { MonitorCommandOptions } from "../commands/monitor.ts";
import type { EraseCommandOptions, ReadFlashCommandOptions } from "../commands/read-flash.ts";
import { MANIFEST_DEFAULT } from "./manifest-default.ts";

/** The rate of loaders where none is named: most adapters keep it. */
const LOADER_BAUD_RATE = 921_600;

/** The rate of ESP-IDF's output. */
const CONSOLE_BAUD_RATE = 115_200;

/** `tinybms-ota flash`. */
export const declareFlash: DeclareCommand = (command, run) => {
  addBoardOptions(command)
    .option("--all-ports", "flash every board that is plugged in, all at once")
    .option("--list", "list the serial ports, boards first")
    .option("--version <version>", "flash this version of the release line")
    .option("--manifest <file>", "the root manifest", MANIFEST_DEFAULT)
    .option("--artifact <name>", "which artifact of the version, where it has several")
    .option("--app <file>", "flash an app image instead of a release")
    .option("--all <file>", "flash everything that flasher_args.json in ESP-IDF's build folder names")
    .addOption(repeatable("--image <file@offset>", "flash a file at an offset; repeat it for more"))
    .addOption(
      new Option("--slot <slot>", "where the app goes: next, running, factory, ota_0 and so on").argParser(slot),
    )
    .option("--no-select", "leave the app that boots as it is")
    .option("--keep-otadata", "with --all and --image: leave otadata as it is")
    .option("--nvs <file>", "flash the NVS partition too")
    .option("--flash-mode <mode>", "with --all and --image: flash mode for the bootloader's header, as esptool's")
    .option("--flash-size <size>", "with --all and --image: detect, keep or a size such as 4MB, as esptool's")
    .option("--flash-freq <frequency>", "with --all and --image: flash frequency, as esptool's")
    .option("--force", "flash another project than the one on the board, or parts that would not start")
    .option("--watch <seconds>", "how long the app may take to say its version; 0: don't watch", seconds, 10)
    .option("--monitor", "show the board's log until interrupted")
    .option("--dry-run", "connect and check, and write nothing")
    .action(
      run(async (options: FlashCommandOptions, output) => {
        const { runFlash } = await import("../commands/flash.ts");
        return runFlash(options, output);
      }),
    );
};

/** `tinybms-ota read-flash`. */
export const declareReadFlash: DeclareCommand = (command, run) => {
  addPlaceOptions(addBoardOptions(command))
    .requiredOption("--out <file>", "the file that gets it")
    .action(
      run(async (options: ReadFlashCommandOptions, output) => {
        const { runReadFlash } = await import("../commands/read-flash.ts");
        return runReadFlash(options, output);
      }),
    );
};

/** `tinybms-ota erase`. */
export const declareErase: DeclareCommand = (command, run) => {
  addPlaceOptions(addBoardOptions(command))
    .option("--whole", "all of the flash")
    .action(
      run(async (options: EraseCommandOptions, output) => {
        const { runErase } = await import("../commands/read-flash.ts");
        return runErase(options, output);
      }),
    );
};

/** `tinybms-ota monitor`. */
export const declareMonitor: DeclareCommand = (command, run) => {
  addPortOption(command)
    .option("--baud <rate>", "rate of the board's console", baudRate, CONSOLE_BAUD_RATE)
    .option("--reset", "restart the board first")
    .option("--seconds <seconds>", "how long; without it until interrupted", positiveNumber)
    .action(
      run(async (options: MonitorCommandOptions, output) => {
        const { runMonitor } = await import("../commands/monitor.ts");
        return runMonitor(options, output);
      }),
    );
};

function addPortOption(command: Command): Command {
  return command.addOption(
    repeatable(
      "--port <port>",
      "a port, socket://HOST:PORT or rfc2217://HOST:PORT; without it the only one that looks like a board",
    ),
  );
}

function addBoardOptions(command: Command): Command {
  return addPortOption(command)
    .option("--baud <rate>", "rate to work at; it steps down by itself", baudRate, LOADER_BAUD_RATE)
    .option("--reset-sequence <steps>", "how the board is reset into its loader, as esptool's custom_reset_sequence")
    .option("--partition-table-offset <offset>", "where the partition table lies, if not at 0x8000", byteCount);
}

function addPlaceOptions(command: Command): Command {
  return command
    .option("--partition <label>", "a partition of the board's table")
    .option("--offset <offset>", "where it begins, in bytes", byteCount)
    .option("--size <size>", "how much, in bytes; without it up to the end of the flash", byteCount);
}

function slot(text: string): string {
  if (/^(next|running|factory|ota_([0-9]|1[0-5]))$/.test(text)) return text;
  throw new InvalidArgumentError("Allowed choices are next, running, factory, ota_0 to ota_15.");
}

function seconds(text: string): number {
  return text === "0" ? 0 : positiveNumber(text);
}
