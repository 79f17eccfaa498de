import type { DeclareCommand } from "@tinybms/cli-kit";
import { addExamples, baudRate, byteCount, positiveNumber, repeatable } from "@tinybms/cli-kit";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { FlashCommandOptions } from "../commands/flash-options.ts";
import type { MonitorCommandOptions } from "../commands/monitor.ts";
import type { EraseCommandOptions, ReadFlashCommandOptions } from "../commands/read-flash.ts";
import { MANIFEST_DEFAULT } from "./manifest-default.ts";

/** Default baud rate for loaders: most USB adapters support it. */
const LOADER_BAUD_RATE = 921_600;

/** Default baud rate of the ESP-IDF console. */
const CONSOLE_BAUD_RATE = 115_200;

/** Declares `tinybms-ota flash`. */
export const declareFlash: DeclareCommand = (command, run) => {
  addContentOptions(command);
  addWriteOptions(command);
  addBoardOptions(command)
    .option("--all-ports", "flash every board that is plugged in, in parallel")
    .option("--list", "list the serial ports, boards first, and exit")
    .optionsGroup("After flashing:")
    .option("--watch <seconds>", "how long to wait for the app to print its version; 0 does not wait", seconds, 10)
    .option("--monitor", "show the board's log until interrupted")
    .action(
      run(async (options: FlashCommandOptions, output) => {
        const { runFlash } = await import("../commands/flash.ts");
        return runFlash(options, output);
      }),
    );
  addExamples(
    command,
    "tinybms-ota flash --version 1.2.3",
    "tinybms-ota flash --all build/flasher_args.json --nvs bench-1.bin",
    "tinybms-ota flash --app build/app.bin --slot running --port /dev/ttyUSB0 --monitor",
  );
};

/** Declares `tinybms-ota read-flash`. */
export const declareReadFlash: DeclareCommand = (command, run) => {
  command.requiredOption("--out <file>", "file to write");
  addRegionOptions(command);
  addBoardOptions(command).action(
    run(async (options: ReadFlashCommandOptions, output) => {
      const { runReadFlash } = await import("../commands/read-flash.ts");
      return runReadFlash(options, output);
    }),
  );
  addExamples(
    command,
    "# the whole flash",
    "tinybms-ota read-flash --out flash.bin",
    "tinybms-ota read-flash --out nvs.bin --partition nvs",
  );
};

/** Declares `tinybms-ota erase`. */
export const declareErase: DeclareCommand = (command, run) => {
  addRegionOptions(command).option("--whole", "the whole flash");
  addBoardOptions(command).action(
    run(async (options: EraseCommandOptions, output) => {
      const { runErase } = await import("../commands/read-flash.ts");
      return runErase(options, output);
    }),
  );
  addExamples(command, "tinybms-ota erase --partition otadata", "tinybms-ota erase --whole --port COM3");
};

/** Declares `tinybms-ota monitor`. */
export const declareMonitor: DeclareCommand = (command, run) => {
  addPortOption(command)
    .option("--baud <rate>", "baud rate of the board's console", baudRate, CONSOLE_BAUD_RATE)
    .option("--reset", "reset the board first")
    .option("--seconds <seconds>", "stop after this time (default: runs until interrupted)", positiveNumber)
    .action(
      run(async (options: MonitorCommandOptions, output) => {
        const { runMonitor } = await import("../commands/monitor.ts");
        return runMonitor(options, output);
      }),
    );
  addExamples(command, "tinybms-ota monitor --reset --seconds 10");
};

function addContentOptions(command: Command): void {
  command
    .optionsGroup("What to flash (one of --version, --app, --all, --image):")
    .option("--version <version>", "this version of the release line")
    .option("--manifest <file>", "root manifest", MANIFEST_DEFAULT)
    .option("--artifact <name>", "artifact to flash if the version has several")
    .option("--app <file>", "an app image")
    .option("--all <file>", "every file listed in flasher_args.json of an ESP-IDF build folder")
    .addOption(repeatable("--image <file@offset>", "a file at a flash address (repeatable)"))
    .option("--nvs <file>", "also write this NVS partition");
}

function addWriteOptions(command: Command): void {
  command
    .optionsGroup("How to flash:")
    .addOption(
      new Option(
        "--slot <slot>",
        "slot of the app: next, running, factory, or ota_0 to ota_15 (default: next)",
      ).argParser(slot),
    )
    .option("--no-select", "write the app without making it the one that boots")
    .option("--keep-otadata", "with --all and --image: leave otadata unchanged")
    .option("--flash-mode <mode>", "with --all and --image: flash mode in the bootloader header, as in esptool")
    .option("--flash-size <size>", "with --all and --image: detect, keep, or a size such as 4MB, as in esptool")
    .option("--flash-freq <frequency>", "with --all and --image: flash frequency, as in esptool")
    .option("--force", "write another project than the one on the board, or parts that would not start")
    .option("--dry-run", "connect and check without writing");
}

function addPortOption(command: Command): Command {
  return command
    .optionsGroup("Board:")
    .addOption(
      repeatable(
        "--port <port>",
        "serial port, socket://HOST:PORT or rfc2217://HOST:PORT (default: the only port that looks like a board)",
      ),
    );
}

function addBoardOptions(command: Command): Command {
  return addPortOption(command)
    .option("--baud <rate>", "baud rate; lowered automatically if the line is unreliable", baudRate, LOADER_BAUD_RATE)
    .option("--reset-sequence <steps>", "how to reset into the ROM loader, in esptool's custom_reset_sequence format")
    .option("--partition-table-offset <offset>", "flash address of the partition table (default: 0x8000)", byteCount);
}

function addRegionOptions(command: Command): Command {
  return command
    .optionsGroup("Region:")
    .option("--partition <label>", "a partition of the board's partition table")
    .option("--offset <offset>", "first byte", byteCount)
    .option("--size <size>", "number of bytes (default: up to the end of the flash)", byteCount);
}

function slot(text: string): string {
  if (/^(next|running|factory|ota_([0-9]|1[0-5]))$/.test(text)) return text;
  throw new InvalidArgumentError("Allowed choices are next, running, factory, ota_0 to ota_15.");
}

function seconds(text: string): number {
  return text === "0" ? 0 : positiveNumber(text);
}
