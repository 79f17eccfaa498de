import type { DeclareCommand } from "@tinybms/cli-kit";
import { addExamples, repeatable } from "@tinybms/cli-kit";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ProvisionCommandOptions } from "../provisioning/provision-options.ts";
import { MANIFEST_DEFAULT } from "./manifest-default.ts";
import { addPartitionPlaces } from "./partition-options.ts";

/** Declares `tinybms-ota provision`. */
export const declareProvision: DeclareCommand = (command, run) => {
  command
    .optionsGroup("Devices:")
    .addOption(repeatable("--device <id>", "device ID (repeatable with --out-dir)"))
    .option("--devices <csv>", "CSV file of devices: a device_id column, and columns for what differs between them");
  addSettings(command);
  addFiles(command);
  addPartitionPlaces(command).action(
    run(async (options: ProvisionCommandOptions, output) => {
      const { runProvision } = await import("../commands/provision.ts");
      return runProvision(options, output);
    }),
  );
  addExamples(
    command,
    "tinybms-ota provision --device bench-1 --out bench-1.bin --allow-unsigned",
    "tinybms-ota provision --devices list.csv --out-dir fleet --broker-acl mosquitto",
  );
};

function addSettings(command: Command): void {
  command
    .optionsGroup("Settings for all devices:")
    .option("--from <json>", "settings file in the format of provisioning.schema.json; may be incomplete")
    .option("--manifest <path>", "root manifest; source of product, broker and topic", MANIFEST_DEFAULT)
    .option("--broker <url>", "broker that devices connect to, instead of the manifest's")
    .option("--topic <topic>", "topic of the product, instead of the manifest's")
    .option("--product <name>", "product name, instead of the manifest's")
    .option("--key-set <file>", "key set that devices trust (default: the current one in --keys)")
    .option("--keys <folder>", "folder of the key sets (default: keys/ next to the root manifest)")
    .option("--allow-unsigned", "make devices accept unsigned offers; for test benches")
    .option("--ca <pem>", "CA certificates that the broker's certificate is checked against")
    .option("--cert <pem>", "client certificate for all devices; a device list can name one per device")
    .option("--key <pem>", "private key of --cert")
    .option("--allow-insecure", "allow devices to send passwords to another machine without encryption")
    .addOption(
      repeatable("--csv <file>", "the app's own namespaces, as a CSV file of nvs_partition_gen.py (repeatable)"),
    );
}

function addFiles(command: Command): void {
  command
    .optionsGroup("Files to write:")
    .option("--out <file>", "NVS partition of a single device")
    .option("--out-dir <folder>", "folder to create for the partitions of all devices")
    .option("--csv-out <file>", "also write the entries of a single device as CSV for nvs_partition_gen.py")
    .addOption(
      new Option("--broker-acl <broker>", "also write the broker's password and access control files").choices([
        "mosquitto",
      ]),
    )
    .option("--publisher <name>", "user name of the publisher in the broker's files", "publisher")
    .option("--encrypt", "encrypt each partition; its keys go to a separate file")
    .option("--nvs-size <bytes>", "size of the partition (default: 0x6000)", nvsSize)
    .option("--partition-table <file>", "take the size from this partition table (CSV or binary)");
}

function nvsSize(text: string): number {
  const size = /^(?:0x[0-9a-f]{1,8}|[0-9]{1,9})$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(size)) return size;
  throw new InvalidArgumentError("It must be a number of bytes, such as 0x6000.");
}
