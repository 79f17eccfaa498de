import { type DeclareCommand, positiveNumber, repeatable } from "@tinybms/cli-kit";
import { CHIPS } from "@tinybms/ota-core/esp";
import { InvalidArgumentError, Option } from "commander";
import { FAULT_GRAMMAR } from "../fault/parse-fault.ts";
import { RESET_CIRCUITS } from "../rom/reset-circuit.ts";
import { declareIdf } from "./idf-option.ts";
import { partitionTableOffset } from "./partition-table-offset.ts";
import type { RunOptions } from "./run.ts";

const DEVICES_MAX = 10_000;

/** `tinybms-sim run`. */
export const declareRun: DeclareCommand = (command, run) => {
  command
    .option("--broker <url>", "mqtt://HOST:PORT, or embedded, or embedded://HOST:PORT, to start one here")
    .option("--allow-insecure", "let a password go unencrypted to another machine")
    .option("--topic <topic>", "the channel's topic (default: tinybms/gateway/ota)")
    .option("--devices <count>", "how many devices (default: 1)", count)
    .option("--id <prefix>", "their names: PREFIX-1, PREFIX-2 … (default: bench)")
    .option("--product <name>", "product.name of the manifest (default: TinyBMS Web Gateway)")
    .option("--app <file>", "the app image that they run at first; a made-up one without it")
    .addOption(
      new Option("--chip <name>", "the chip; that of the app without it").choices(CHIPS.map(({ name }) => name)),
    )
    .option("--partition-table <file>", "the table, as CSV or binary; two OTA slots without it")
    .option("--partition-table-offset <offset>", "where the table lies, if not at 0x8000", partitionTableOffset)
    .option("--bootloader <file>", "the second-stage bootloader")
    .option(
      "--nvs <file...>",
      "NVS partitions of tinybms-ota provision, a device each: names, broker and keys are theirs",
    )
    .option(
      "--key-set <file>",
      "the key set that the devices are provisioned with; without it they take unsigned offers",
    )
    .option("--flash <file>", "keep the one device's flash here; where the file exists, the device is what it holds")
    .option("--serial <place>", "the one device's serial port, for flashers: tcp:HOST:PORT or rfc2217:HOST:PORT")
    .addOption(
      new Option(
        "--reset-circuit <kind>",
        "how DTR and RTS of that port reach the chip; transistors without it",
      ).choices(RESET_CIRCUITS),
    )
    .addOption(repeatable("--fault <fault>", "what goes wrong: inline, or a JSON file; may be given again"))
    .addOption(new Option("--until <state>", "end when every device has ended an offer").choices(["settled"]))
    .option("--timeout <seconds>", "end after so long", positiveNumber)
    .addHelpText("after", `\nA fault is ${FAULT_GRAMMAR}`)
    .action(
      run(async (options: RunOptions, output) => {
        const { run: runDevices } = await import("./run.ts");
        return runDevices(options, output);
      }),
    );
  declareIdf(command);
};

function count(text: string): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value >= 1 && value <= DEVICES_MAX) return value;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${DEVICES_MAX}.`);
}
