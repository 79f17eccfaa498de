import { addExamples, type DeclareCommand, positiveNumber, repeatable } from "@tinybms/cli-kit";
import { CHIPS } from "@tinybms/ota-core/esp";
import { type Command, InvalidArgumentError, Option } from "commander";
import { FAULT_GRAMMAR } from "../fault/parse-fault.ts";
import { RESET_CIRCUITS } from "../rom/reset-circuit.ts";
import { declareAgent } from "./agent-option.ts";
import { declareIdf } from "./idf-option.ts";
import { partitionTableOffset } from "./partition-table-offset.ts";
import type { RunOptions } from "./run-command.ts";

const DEVICES_MAX = 10_000;

/** Declares `run`. */
export const declareRun: DeclareCommand = (command, run) => {
  addConnectionOptions(command);
  addDeviceOptions(command);
  declareAgent(command);
  addEndAndFaultOptions(command);
  declareIdf(command).action(
    run(async (options: RunOptions, output) => {
      const { run: runDevices } = await import("./run-command.ts");
      return runDevices(options, output);
    }),
  );
  addExamples(
    command,
    "tinybms-sim run --broker embedded --devices 3 --app build/app.bin",
    "tinybms-sim run --broker mqtt://localhost:1883 --fault bench-1:power-cut@at=50% --until settled --timeout 60",
    "tinybms-sim run --broker embedded --devices 3 --until settled --html run.html",
    "tinybms-sim run --nvs fleet/*.bin",
    "tinybms-sim run --serial rfc2217:127.0.0.1:4000 --flash board.bin",
  );
  command.addHelpText("after", `\nFormat of --fault: ${FAULT_GRAMMAR}`);
};

function addConnectionOptions(command: Command): void {
  command
    .optionsGroup("Connection:")
    .option("--broker <url>", "mqtt://HOST:PORT; embedded or embedded://HOST:PORT starts a broker in this process")
    .option("--allow-insecure", "allow sending a password unencrypted to another machine")
    .addOption(
      new Option("--subscribe-qos <qos>", "QoS of subscriptions; 0 if the broker can't serve the fleet at QoS 1")
        .choices(["0", "1"])
        .default("1"),
    )
    .option("--topic <topic>", "topic of the channel (default: tinybms/gateway/ota)")
    .option("--product <name>", "product.name of the manifest (default: TinyBMS Web Gateway)")
    .option("--key-set <file>", "key set that the devices trust (default: none; they accept unsigned offers)");
}

function addDeviceOptions(command: Command): void {
  command
    .optionsGroup("Devices:")
    .option("--devices <count>", "number of devices (default: 1)", count)
    .option("--id <prefix>", "prefix of the device IDs: PREFIX-1, PREFIX-2 and so on (default: bench)")
    .option("--app <file>", "app image that the devices start with (default: a generated one)")
    .addOption(
      new Option("--before <file>", "start with a generated app for the chip and project of this image").conflicts(
        "app",
      ),
    )
    .addOption(new Option("--chip <name>", "chip (default: the app's)").choices(CHIPS.map(({ name }) => name)))
    .option("--bootloader <file>", "second-stage bootloader")
    .option("--partition-table <file>", "partition table, CSV or binary (default: two OTA slots)")
    .option(
      "--partition-table-offset <offset>",
      "flash address of the partition table (default: 0x8000)",
      partitionTableOffset,
    )
    .option(
      "--nvs <file...>",
      "start one device for each NVS partition from tinybms-ota provision, with its ID, broker and keys",
    )
    .option("--flash <file>", "keep the flash of the single device in this file; continue from it if it exists")
    .option("--serial <place>", "serve the serial port of the single device: tcp:HOST:PORT or rfc2217:HOST:PORT")
    .addOption(
      new Option("--reset-circuit <kind>", "connection of DTR and RTS to the chip (default: transistors)").choices(
        RESET_CIRCUITS,
      ),
    );
}

function addEndAndFaultOptions(command: Command): void {
  command
    .optionsGroup("Faults and end:")
    .addOption(repeatable("--fault <fault>", "fault to inject: inline, or a JSON file (repeatable)"))
    .addOption(new Option("--until <state>", "end when every device has finished an update").choices(["settled"]))
    .option("--timeout <seconds>", "end after this time (default: runs until interrupted)", positiveNumber)
    .option("--html <file>", "page to write at the end: lanes, messages, and flash at each time");
}

function count(text: string): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value >= 1 && value <= DEVICES_MAX) return value;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${DEVICES_MAX}.`);
}
