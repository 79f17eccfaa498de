import type { DeclareCommand } from "@tinybms/cli-kit";
import { repeatable } from "@tinybms/cli-kit";
import { InvalidArgumentError, Option } from "commander";
import type { ProvisionCommandOptions } from "../provisioning/provision-options.ts";
import { MANIFEST_DEFAULT } from "./manifest-default.ts";
import { addPartitionPlaces } from "./partition-options.ts";

/** `tinybms-ota provision`. */
export const declareProvision: DeclareCommand = (command, run) => {
  addPartitionPlaces(command)
    .addOption(repeatable("--device <id>", "name of a device; repeat it for more, with --out-dir"))
    .option("--devices <csv>", "a list of devices: CSV with device_id, and what one is told besides")
    .option("--out <file>", "the NVS partition of the one device")
    .option("--out-dir <folder>", "a folder for the partitions of all devices, which is not there yet")
    .option("--from <json>", "what all are told: a document as provisioning.schema.json, or a part of it")
    .option("--manifest <path>", "the release line that product, broker and topic are taken from", MANIFEST_DEFAULT)
    .option("--broker <url>", "the broker that devices connect to, instead of the manifest's")
    .option("--topic <topic>", "topic of the product, instead of the manifest's")
    .option("--product <name>", "name of the product, instead of the manifest's")
    .option("--key-set <file>", "whose offers devices take; without it the current set of --keys")
    .option("--keys <folder>", "the folder of key sets; without it keys beside the manifest")
    .option("--allow-unsigned", "devices take offers that nobody signed: for a bench")
    .option("--ca <pem>", "authorities of the broker's certificate")
    .option("--cert <pem>", "a client certificate, the same for all; a list can name one for each")
    .option("--key <pem>", "the key of --cert")
    .option("--nvs-size <bytes>", "size of the partition; 0x6000 without it", nvsSize)
    .option("--partition-table <file>", "the app's table, as CSV or binary, for the size")
    .addOption(repeatable("--csv <file>", "the app's own namespaces, in the generator's format; may be given again"))
    .option("--csv-out <file>", "the one device's entries in the generator's format too")
    .addOption(new Option("--broker-acl <broker>", "password and access control files too").choices(["mosquitto"]))
    .option("--publisher <name>", "user name of who publishes, in those files", "publisher")
    .option("--encrypt", "encrypt each partition with keys of its own, which go to a file beside it")
    .option("--allow-insecure", "have devices send their passwords unencrypted to another machine")
    .action(
      run(async (options: ProvisionCommandOptions, output) => {
        const { runProvision } = await import("../commands/provision.ts");
        return runProvision(options, output);
      }),
    );
};

function nvsSize(text: string): number {
  const size = /^(?:0x[0-9a-f]{1,8}|[0-9]{1,9})$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(size)) return size;
  throw new InvalidArgumentError("It must be a number of bytes, such as 0x6000.");
}
