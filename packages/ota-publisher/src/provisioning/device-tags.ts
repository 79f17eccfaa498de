import { isDeviceId } from "@tinybms/ota-core";
import { listFault, readListRows, tagsIn } from "./device-list.ts";

/**
 * Reads the tags of the devices in a device list. Reads no other column, and none of the files that the list names.
 *
 * @returns The devices with their tags, in the order of the list.
 * @throws {@link OtaError} `provisioning/unreadable`, `provisioning/list-invalid` with line and column.
 */
export async function readDeviceTags(file: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const devices = new Map<string, readonly string[]>();
  for (const row of await readListRows(file)) {
    const device = row.fieldOf("device_id") ?? "";
    if (!isDeviceId(device))
      throw listFault(row.place, "device_id", `${JSON.stringify(device)} can't be a device's name`);
    if (devices.has(device)) throw listFault(row.place, "device_id", `${device} is in an earlier line`);
    devices.set(device, tagsIn(row));
  }
  return devices;
}
