import { randomBytes } from "node:crypto";
import { formatHex, isOtaError, OtaError } from "@tinybms/ota-core";
import {
  buildNvsPartition,
  checkProvisioning,
  NVS_PAGE_SIZE,
  type NvsEntryInput,
  type Provisioning,
  provisioningEntries,
} from "@tinybms/ota-core/esp";
import { deviceBroker } from "./broker-members.ts";
import { type ListedDevice, type ListPlace, listFault } from "./device-list.ts";
import type { ProvisioningMembers } from "./provision-options.ts";

/** Device to provision. */
export interface DeviceToProvision {
  readonly document: Provisioning;
  /** `true` if its password is random. */
  readonly isDrawn: boolean;
}

/** Size of a random password in bytes: 192 bits, which base64url encodes as 32 characters. */
const PASSWORD_SIZE = 24;

/** Number of blank pages: one that NVS needs to move entries, and one for the device to write to. */
const BLANK_PAGES_MIN = 2;

/**
 * Merges the settings for all devices with those of one device. Without credentials, uses the device ID as user name
 * and a random password.
 *
 * @throws {@link OtaError} `provisioning/invalid`, or `provisioning/list-invalid` for a device in a list;
 *   `arguments/invalid` for an invalid broker URL.
 */
export function deviceToProvision(common: ProvisioningMembers, { members, place }: ListedDevice): DeviceToProvision {
  const merged: ProvisioningMembers = { ...common, ...members };
  try {
    const broker = members.broker === undefined ? {} : { broker: deviceBroker(members.broker).url };
    const needsPassword = merged.password === undefined && merged.certificate === undefined;
    const login = needsPassword
      ? { username: merged.username ?? merged.device_id, password: randomBytes(PASSWORD_SIZE).toString("base64url") }
      : {};
    // With a password but no user name, the user name is the device ID.
    const username = merged.password === undefined ? {} : { username: merged.username ?? merged.device_id };
    const document = checkProvisioning({ ...merged, ...broker, ...login, ...username });
    return { document, isDrawn: needsPassword };
  } catch (error) {
    throw place === undefined ? error : atPlace(error, place);
  }
}

/** Returns the NVS entries of a device: its settings, then those of its app. */
export function entriesOf({ document }: DeviceToProvision, own: readonly NvsEntryInput[]): readonly NvsEntryInput[] {
  return [...provisioningEntries(document), ...own];
}

/**
 * Builds the NVS partition of a device, with space for the device's own writes.
 *
 * @param sizeBytes - Size of the partition, in bytes.
 * @throws {@link OtaError} `nvs/entry-invalid`; `nvs/size-invalid` with the required size.
 */
export function partitionOf(entries: readonly NvsEntryInput[], sizeBytes: number): Uint8Array {
  const bytes = build(entries, sizeBytes);
  let used = bytes.length / NVS_PAGE_SIZE;
  while (used > 0 && isBlank(bytes.subarray((used - 1) * NVS_PAGE_SIZE, used * NVS_PAGE_SIZE))) used--;
  const neededBytes = NVS_PAGE_SIZE * (used + BLANK_PAGES_MIN);
  if (neededBytes <= sizeBytes) return bytes;
  throw tooSmall(sizeBytes, neededBytes);
}

function build(entries: readonly NvsEntryInput[], sizeBytes: number): Uint8Array {
  const sizeMin = NVS_PAGE_SIZE * (BLANK_PAGES_MIN + 1);
  if (sizeBytes < sizeMin) throw tooSmall(sizeBytes, sizeMin);
  try {
    return buildNvsPartition(entries, { sizeBytes });
  } catch (error) {
    if (!isOtaError(error, "nvs/size-invalid") || error.details.neededBytes === undefined) throw error;
    // The writer leaves only the one blank page that NVS needs.
    throw tooSmall(sizeBytes, error.details.neededBytes + NVS_PAGE_SIZE * (BLANK_PAGES_MIN - 1));
  }
}

function tooSmall(sizeBytes: number, neededBytes: number): OtaError<"nvs/size-invalid"> {
  const message = `an NVS partition of ${formatHex(sizeBytes)} bytes has no free page for the device to write to; it needs ${formatHex(neededBytes)}`;
  const hint = "set the size with --nvs-size; the app's partition table must have the same size";
  return new OtaError("nvs/size-invalid", message, { sizeBytes, neededBytes }, { hint });
}

function isBlank(page: Uint8Array): boolean {
  return page.every((byte) => byte === 0xff);
}

/** Adds the row of the list to an error. */
function atPlace(error: unknown, place: ListPlace): unknown {
  if (isOtaError(error, "provisioning/invalid")) {
    const [problem] = error.details.problems;
    return listFault(place, problem?.path.slice(1) || "device_id", problem?.message ?? error.message);
  }
  return isOtaError(error) ? listFault(place, "broker", error.message) : error;
}
