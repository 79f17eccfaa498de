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

/** A device that is to be provisioned. */
export interface DeviceToProvision {
  readonly document: Provisioning;
  /** Its password was drawn here. */
  readonly isDrawn: boolean;
}

/** 192 bits, as 32 characters. */
const PASSWORD_SIZE = 24;

/** Pages that stay blank: the one that NVS needs to move items, and one that the device can write to. */
const BLANK_PAGES_MIN = 2;

/**
 * What one device is told: what all are, and above that what the list says of it. Where nothing says how it logs in, its
 * name is its user name and its password is drawn.
 *
 * @throws {@link OtaError} `provisioning/invalid`, or `provisioning/list-invalid` for a device of a list;
 *   `arguments/invalid` for a broker that is none.
 */
export function deviceToProvision(common: ProvisioningMembers, { members, place }: ListedDevice): DeviceToProvision {
  const merged: ProvisioningMembers = { ...common, ...members };
  try {
    const broker = members.broker === undefined ? {} : { broker: deviceBroker(members.broker).url };
    const needsPassword = merged.password === undefined && merged.certificate === undefined;
    const login = needsPassword
      ? { username: merged.username ?? merged.device_id, password: randomBytes(PASSWORD_SIZE).toString("base64url") }
      : {};
    // A password without a user name is that of the device's name.
    const username = merged.password === undefined ? {} : { username: merged.username ?? merged.device_id };
    const document = checkProvisioning({ ...merged, ...broker, ...login, ...username });
    return { document, isDrawn: needsPassword };
  } catch (error) {
    throw place === undefined ? error : atPlace(error, place);
  }
}

/** The NVS entries of a device: what it is told, then what its app finds besides. */
export function entriesOf({ document }: DeviceToProvision, own: readonly NvsEntryInput[]): readonly NvsEntryInput[] {
  return [...provisioningEntries(document), ...own];
}

/**
 * The NVS partition of a device, with room for what the device itself writes.
 *
 * @param sizeBytes - Of the partition.
 * @throws {@link OtaError} `nvs/entry-invalid`; `nvs/size-invalid` with the size that is needed.
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
    // The writer leaves NVS alone its blank page.
    throw tooSmall(sizeBytes, error.details.neededBytes + NVS_PAGE_SIZE * (BLANK_PAGES_MIN - 1));
  }
}

function tooSmall(sizeBytes: number, neededBytes: number): OtaError<"nvs/size-invalid"> {
  const message = `an NVS partition of ${formatHex(sizeBytes)} bytes leaves the device no page to write to; it needs ${formatHex(neededBytes)}`;
  const hint = "--nvs-size says how large it is; the partition table of the app must say the same";
  return new OtaError("nvs/size-invalid", message, { sizeBytes, neededBytes }, { hint });
}

function isBlank(page: Uint8Array): boolean {
  return page.every((byte) => byte === 0xff);
}

/** Where the list has what is wrong. */
function atPlace(error: unknown, place: ListPlace): unknown {
  if (isOtaError(error, "provisioning/invalid")) {
    const [problem] = error.details.problems;
    return listFault(place, problem?.path.slice(1) || "device_id", problem?.message ?? error.message);
  }
  return isOtaError(error) ? listFault(place, "broker", error.message) : error;
}
