import { type CommandOutput, ExitCode, printable } from "@tinybms/cli-kit/output";
import { isDeviceId, OtaError } from "@tinybms/ota-core";
import type { ProvisionDocument, ProvisionedDevice } from "@tinybms/ota-core/esp";
import { parseBrokerUrl } from "../mqtt/broker-url.ts";
import { assertNotExposed } from "../network/exposure.ts";
import { placesOf } from "../partition-places.ts";
import { commonMembers } from "../provisioning/common-members.ts";
import {
  MOSQUITTO_FILES,
  type ProvisionPlan,
  writeDeviceFolder,
  writeOneDevice,
} from "../provisioning/device-files.ts";
import { type ListedDevice, listFault, readDeviceList } from "../provisioning/device-list.ts";
import { nvsSizeOf } from "../provisioning/nvs-partition-size.ts";
import { readOwnEntries } from "../provisioning/own-entries.ts";
import type { ProvisionCommandOptions, ProvisioningMembers } from "../provisioning/provision-options.ts";
import { type DeviceToProvision, deviceToProvision } from "../provisioning/provisioned-device.ts";

/** Name of the list of provisioned devices, in the folder. */
const LIST_NAME = "provisioned.json";

/**
 * Creates NVS partitions that give devices their identity.
 *
 * @returns The exit code.
 * @throws {@link OtaError} Errors in options, files and contents, before anything is written.
 */
export async function runProvision(options: ProvisionCommandOptions, output: CommandOutput): Promise<number> {
  assertConsistent(options);
  const common = await commonMembers(options, output);
  const listed = [
    ...namedDevices(options),
    ...(options.devices === undefined ? [] : await readDeviceList(options.devices)),
  ];
  assertUnique(listed);
  assertComplete(common, listed, options);
  const devices = listed.map((device) => deviceToProvision(common, device));
  const plan: ProvisionPlan = {
    devices,
    own: await readOwnEntries(options.csv ?? []),
    sizeBytes: await nvsSizeOf(options, placesOf(options)),
    encrypt: options.encrypt ?? false,
    publisher: options.brokerAcl === undefined ? undefined : options.publisher,
    signal: output.world.signal,
  };
  assertPasswordsProtected(devices, options, output);
  if (plan.publisher !== undefined) assertUserNames(plan.publisher, listed, devices);
  return options.out === undefined
    ? provisionFolder(plan, options, output)
    : provisionOne(plan, options.out, options, output);
}

async function provisionOne(
  plan: ProvisionPlan,
  out: string,
  { csvOut }: ProvisionCommandOptions,
  output: CommandOutput,
): Promise<number> {
  const [device] = plan.devices;
  if (device === undefined) throw invalid("--device", "no device is named; name it with --device");
  const made = await writeOneDevice(device, plan, out, csvOut);
  const document: ProvisionDocument = { output: null, list: null, broker: null, devices: [made] };
  output.printJson(document);
  if (!output.quiet) {
    const files = [made.file, made.keyFile, csvOut].flatMap((file) => file ?? []);
    output.print(`${made.device}: wrote ${files.map(printable).join(", ")}`);
    for (const line of summaryOf(plan)) output.print(line);
  }
  return ExitCode.done;
}

async function provisionFolder(
  plan: ProvisionPlan,
  { outDir }: ProvisionCommandOptions,
  output: CommandOutput,
): Promise<number> {
  if (outDir === undefined)
    throw invalid("--out-dir", "--out names the file for one device, --out-dir the folder for several");
  const describe = (devices: readonly ProvisionedDevice[]) => ({ name: LIST_NAME, text: listText(plan, devices) });
  const devices = [...(await writeDeviceFolder(plan, outDir, describe))];
  const broker = plan.publisher === undefined ? null : MOSQUITTO_FILES;
  const document: ProvisionDocument = { output: outDir, list: LIST_NAME, broker, devices };
  output.printJson(document);
  if (output.quiet) return ExitCode.done;
  const count = `${devices.length} NVS ${devices.length === 1 ? "partition" : "partitions"}`;
  const files = [LIST_NAME, ...Object.values(broker ?? {})].join(", ");
  output.print(`wrote ${count} and ${files} to ${printable(outDir)}`);
  for (const line of summaryOf(plan)) output.print(line);
  if (broker !== null) {
    const { passwords, acl } = broker;
    output.note(`mosquitto.conf: allow_anonymous false, password_file …/${passwords}, acl_file …/${acl}`);
  }
  return ExitCode.done;
}

/** Summarizes the settings of the devices, without secrets. */
function summaryOf({ devices, sizeBytes }: ProvisionPlan): readonly string[] {
  const common = (values: readonly string[]): string => {
    const [first, ...others] = [...new Set(values)];
    return others.length === 0 ? printable(first ?? "") : `${others.length + 1} different ones`;
  };
  const documents = devices.map(({ document }) => document);
  const isSigned = documents.some(({ key_set }) => key_set !== undefined);
  return [
    `  broker   ${common(documents.map(({ broker }) => broker))}`,
    `  topic    ${common(documents.map(({ topic }) => topic))}`,
    `  product  ${common(documents.map(({ product }) => product))}`,
    `  offers   ${isSigned ? "signed, by the key set" : "unsigned ones are accepted"}`,
    `  NVS      0x${sizeBytes.toString(16)} bytes`,
  ];
}

/** Formats the list of devices and their settings, without secrets. */
function listText({ devices, sizeBytes }: ProvisionPlan, made: readonly ProvisionedDevice[]): string {
  const rows = made.map((row, index) => {
    const { broker, topic, product, username = null, key_set } = devices[index]?.document ?? {};
    return { ...row, broker, topic, product, username, signed: key_set !== undefined };
  });
  return `${JSON.stringify({ nvsSize: sizeBytes, devices: rows }, null, 2)}\n`;
}

function namedDevices({ device = [] }: ProvisionCommandOptions): readonly ListedDevice[] {
  const wrong = device.find((name) => !isDeviceId(name));
  if (wrong === undefined) return device.map((name) => ({ members: { device_id: name }, place: undefined }));
  const rule = "it must be 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen, the first a letter or digit";
  throw invalid("--device", `${JSON.stringify(wrong)} can't be a device's name; ${rule}`);
}

function assertConsistent({ device = [], devices, out, outDir, csvOut, brokerAcl }: ProvisionCommandOptions): void {
  if (device.length === 0 && devices === undefined)
    throw invalid("--device", "--device or --devices must name devices");
  if ((out === undefined) === (outDir === undefined)) {
    throw invalid("--out", "either --out or --out-dir must name the destination: a file for one device, or a folder");
  }
  if (out === undefined && csvOut !== undefined) {
    throw invalid("--csv-out", "--csv-out needs --out: it writes one device");
  }
  if (out === undefined) return;
  if (devices !== undefined || device.length > 1) {
    throw invalid("--out", "--out takes one --device; --out-dir takes any number");
  }
  if (brokerAcl !== undefined) throw invalid("--broker-acl", "--broker-acl needs --out-dir: it writes its files there");
}

/** Checks that device IDs differ, also when case is ignored: some file systems do not distinguish case. */
function assertUnique(devices: readonly ListedDevice[]): void {
  const seen = new Map<string, ListedDevice>();
  for (const device of devices) {
    const name = device.members.device_id ?? "";
    const earlier = seen.get(name.toLowerCase());
    if (earlier === undefined) {
      seen.set(name.toLowerCase(), device);
      continue;
    }
    const where = earlier.place === undefined ? "is named twice" : `is already in line ${earlier.place.line}`;
    const other = earlier.members.device_id === name ? "" : ` as ${printable(earlier.members.device_id ?? "")}`;
    const reason = `${printable(name)} ${where}${other}`;
    throw device.place === undefined ? invalid("--device", reason) : listFault(device.place, "device_id", reason);
  }
}

/** Checks that every device has a broker, a topic and a product. */
function assertComplete(
  common: ProvisioningMembers,
  devices: readonly ListedDevice[],
  { manifest }: ProvisionCommandOptions,
): void {
  const missing = (["broker", "topic", "product"] as const).filter((member) => {
    return common[member] === undefined && devices.some(({ members }) => members[member] === undefined);
  });
  const [first] = missing;
  if (first === undefined) return;
  const options = missing.map((member) => `--${member}`).join(", ");
  const hint = `set it with ${options}, in the file of --from, or in the manifest ${manifest}`;
  const message = `the devices have no ${missing.join(", ")}`;
  throw new OtaError("arguments/invalid", message, { option: `--${first}` }, { hint });
}

/** Checks that devices send passwords to other machines only over mqtts and wss, unless `--allow-insecure` is set. */
function assertPasswordsProtected(
  devices: readonly DeviceToProvision[],
  { allowInsecure = false }: ProvisionCommandOptions,
  output: CommandOutput,
): void {
  const logins = devices.filter(({ document }) => document.password !== undefined);
  for (const broker of new Set(logins.map(({ document }) => document.broker))) {
    const { protocol: scheme, host } = parseBrokerUrl(broker);
    const isEncrypted = scheme === "mqtts" || scheme === "wss";
    const exposure = { channel: "mqtt", scheme, host, isEncrypted, uncheckedBy: undefined } as const;
    const warnings = assertNotExposed({ ...exposure, secrets: [{ kind: "a password" }] }, allowInsecure);
    for (const warning of warnings) output.warn(warning);
  }
}

/** Checks user names for `--broker-acl`: the broker derives a device's topics from its user name. */
function assertUserNames(
  publisher: string,
  listed: readonly ListedDevice[],
  devices: readonly DeviceToProvision[],
): void {
  if (!isDeviceId(publisher)) throw invalid("--publisher", `${JSON.stringify(publisher)} can't be a user name`);
  for (const [index, { document }] of devices.entries()) {
    const { device_id, username = device_id } = document;
    const fault =
      device_id === publisher
        ? `${publisher} is the publisher's user name; choose another one with --publisher`
        : username === device_id
          ? undefined
          : "the user name must be the device ID: the access control file grants topics by user name";
    if (fault === undefined) continue;
    const place = listed[index]?.place;
    throw place === undefined ? invalid("--broker-acl", `${device_id}: ${fault}`) : listFault(place, "username", fault);
  }
}

function invalid(option: string, message: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option });
}
