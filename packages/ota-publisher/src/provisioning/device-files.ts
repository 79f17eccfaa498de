import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { OtaError, sha256, toHex, utf8 } from "@tinybms/ota-core";
import {
  buildNvsKeys,
  encryptNvsPartition,
  formatNvsCsv,
  type NvsEntryInput,
  type ProvisionedBroker,
  type ProvisionedDevice,
} from "@tinybms/ota-core/esp";
import { writeNewFile, writeNewFolder } from "@tinybms/ota-core/node";
import { codeOf } from "../system-error.ts";
import { mosquittoAcl, mosquittoPasswords } from "./mosquitto.ts";
import { type DeviceToProvision, entriesOf, partitionOf } from "./provisioned-device.ts";

/** Devices to provision, with the settings of their files. */
export interface ProvisionPlan {
  readonly devices: readonly DeviceToProvision[];
  /** The app's own entries, for every device. */
  readonly own: readonly NvsEntryInput[];
  /** Size of each NVS partition, in bytes. */
  readonly sizeBytes: number;
  /** Encrypts each partition with separate keys. */
  readonly encrypt: boolean;
  /** User name of the publisher, if the broker's files are requested. */
  readonly publisher: string | undefined;
  readonly signal: AbortSignal;
}

/** Mode of files with passwords and keys: readable by the owner only. */
const FILE_MODE = 0o600;

/** Number of devices to write in parallel. */
const PARALLEL = 32;

/** Names of the broker's files and of the publisher's password file. */
export const MOSQUITTO_FILES: ProvisionedBroker = {
  passwords: "mosquitto.passwords",
  acl: "mosquitto.acl",
  publisherPassword: "publisher.password",
};

/**
 * Writes the NVS partition of one device, and its keys and CSV file if requested.
 *
 * @param file - Path of the partition.
 * @param csvFile - Path of the entries in the format of Espressif's generator.
 * @throws {@link OtaError} `provisioning/exists`, `provisioning/unwritable`; nothing is written then; `nvs/…`.
 */
export async function writeOneDevice(
  device: DeviceToProvision,
  plan: ProvisionPlan,
  file: string,
  csvFile: string | undefined,
): Promise<ProvisionedDevice> {
  const entries = entriesOf(device, plan.own);
  const { made, contents } = make(device, entries, plan, file);
  const all = csvFile === undefined ? contents : [...contents, [csvFile, utf8(formatNvsCsv(entries))] as const];
  const written: string[] = [];
  try {
    for (const [path, bytes] of all) {
      await writeNew(path, bytes);
      written.push(path);
    }
  } catch (error) {
    for (const path of written) await rm(path, { force: true });
    throw error;
  }
  return made;
}

/**
 * Writes a folder with a partition for each device, a list of the devices, and the broker's files if requested.
 *
 * @param describe - Creates the list of the devices.
 * @throws {@link OtaError} `provisioning/exists` if the folder is not empty, `provisioning/unwritable`; nothing is
 *   written then; `nvs/…`.
 * @throws The signal's reason.
 */
export async function writeDeviceFolder(
  plan: ProvisionPlan,
  folder: string,
  describe: (devices: readonly ProvisionedDevice[]) => { readonly name: string; readonly text: string },
): Promise<readonly ProvisionedDevice[]> {
  const { devices, signal } = plan;
  const made: ProvisionedDevice[] = [];
  const fill = async (place: string): Promise<void> => {
    for (let start = 0; start < devices.length; start += PARALLEL) {
      signal.throwIfAborted();
      const group = devices.slice(start, start + PARALLEL).map(async (device): Promise<ProvisionedDevice> => {
        const { made, contents } = make(device, entriesOf(device, plan.own), plan, `${device.document.device_id}.bin`);
        for (const [name, bytes] of contents) await writeNew(join(place, name), bytes);
        return made;
      });
      made.push(...(await Promise.all(group)));
    }
    const list = describe(made);
    const others = [[list.name, list.text] as const, ...brokerFiles(plan)];
    for (const [name, text] of others) await writeNew(join(place, name), utf8(text));
  };
  try {
    await writeNewFolder(folder, fill);
  } catch (error) {
    throw unwritable(folder, error);
  }
  return made;
}

type Content = readonly [path: string, bytes: Uint8Array];

function make(
  { document }: DeviceToProvision,
  entries: readonly NvsEntryInput[],
  plan: ProvisionPlan,
  file: string,
): { readonly made: ProvisionedDevice; readonly contents: readonly Content[] } {
  const plain = partitionOf(entries, plan.sizeBytes);
  const random = plan.encrypt ? Uint8Array.from(randomBytes(64)) : undefined;
  const keys = random && { encryptionKey: random.subarray(0, 32), tweakKey: random.subarray(32) };
  const bytes = keys === undefined ? plain : encryptNvsPartition(plain, keys);
  const made = { device: document.device_id, file, size: bytes.length, sha256: toHex(sha256(bytes)) };
  if (keys === undefined) return { made, contents: [[file, bytes]] };
  const keyFile = `${file.replace(/\.bin$/, "")}.keys.bin`;
  return {
    made: { ...made, keyFile },
    contents: [
      [file, bytes],
      [keyFile, buildNvsKeys(keys)],
    ],
  };
}

/** Returns the password file, the access control file and the publisher's password file. */
function brokerFiles({ devices, publisher }: ProvisionPlan): readonly (readonly [name: string, text: string])[] {
  if (publisher === undefined) return [];
  const password = randomBytes(24).toString("base64url");
  const users = devices.flatMap(({ document: { username, password }, isDrawn }) =>
    username === undefined || password === undefined ? [] : [{ name: username, password, isDrawn }],
  );
  const roots = [...new Set(devices.map(({ document }) => document.topic))];
  return [
    [MOSQUITTO_FILES.passwords, mosquittoPasswords([...users, { name: publisher, password, isDrawn: true }])],
    [MOSQUITTO_FILES.acl, mosquittoAcl(roots, publisher)],
    [MOSQUITTO_FILES.publisherPassword, `${password}\n`],
  ];
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeNewFile(path, bytes, FILE_MODE);
  } catch (error) {
    throw unwritable(path, error);
  }
}

function unwritable(file: string, cause: unknown): unknown {
  const code = codeOf(cause);
  if (cause instanceof OtaError || code === undefined) return cause;
  if (code !== "EEXIST" && code !== "ENOTEMPTY") {
    return new OtaError("provisioning/unwritable", `${file} can't be written: ${code}`, { file }, { cause });
  }
  const hint = "provisioned files are never overwritten: a device that uses them would lose its password";
  return new OtaError("provisioning/exists", `${file} already exists`, { file }, { cause, hint });
}
