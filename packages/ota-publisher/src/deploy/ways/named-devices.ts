import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeText, isDeviceId, OtaError } from "@tinybms/ota-core";
import type { DeliveryTarget } from "../../offer-payload.ts";
import { readDeviceTags } from "../../provisioning/device-tags.ts";
import type { DeployOptions } from "./deploy-options.ts";

/** Maximum number of named devices of a delivery. Each has a topic of its own on the broker. */
const NAMED_DEVICES_MAX = 2_000;

/** Options that name devices. */
export type NamingOptions = Pick<DeployOptions, "device" | "deviceFile" | "tag" | "devices">;

/**
 * Returns the devices that the options name, without duplicates: by name, in a device file, or by a tag of a device
 * list.
 *
 * @param folder - Folder of the root manifest, in which the device list is looked for.
 * @returns `all` if no option names a device.
 * @throws {@link OtaError} `arguments/invalid`, also if there are too many devices; `provisioning/…` for the device list.
 */
export async function readTarget(options: NamingOptions, folder: string): Promise<DeliveryTarget> {
  const { device = [], deviceFile, tag = [], devices: list } = options;
  for (const name of device) assertDeviceName(name, "--device", "");
  if (list !== undefined && tag.length === 0) throw invalid("--devices", "--devices has no effect without --tag");
  const devices = new Set([
    ...device,
    ...(deviceFile === undefined ? [] : await readDeviceFile(deviceFile)),
    ...(tag.length === 0 ? [] : await taggedDevices(list ?? join(folder, "devices.csv"), tag)),
  ]);
  return devices.size === 0 ? "all" : namedTarget([...devices], "--device");
}

/**
 * Returns named devices as a target.
 *
 * @param option - Option that named them.
 * @throws {@link OtaError} `arguments/invalid` if there are too many.
 */
export function namedTarget(
  devices: readonly string[],
  option: string,
): Extract<DeliveryTarget, { readonly devices: unknown }> {
  if (devices.length <= NAMED_DEVICES_MAX) return { devices };
  const message = `${devices.length} devices are named; one delivery may name at most ${NAMED_DEVICES_MAX}`;
  throw invalid(option, message, { hint: "deliver to them in several runs, or to every device of the product" });
}

async function readDeviceFile(file: string): Promise<readonly string[]> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw invalid("--device-file", `${file} can't be read`, { cause });
  });
  const text = decodeText(bytes);
  if (text === undefined) throw invalid("--device-file", `${file} is not text in UTF-8 or UTF-16`);
  const lines = text.split(/\r?\n/).map((line) => line.replace(/#.*/, "").trim());
  for (const [index, line] of lines.entries()) {
    if (line !== "") assertDeviceName(line, "--device-file", `${file}:${index + 1}: `);
  }
  const named = lines.filter((line) => line !== "");
  if (named.length > 0) return named;
  // An empty file must not mean all devices.
  throw invalid("--device-file", `${file} names no device; it must have one name on each line`);
}

async function taggedDevices(file: string, tags: readonly string[]): Promise<readonly string[]> {
  const list = [...(await readDeviceTags(file))];
  const unused = tags.find((tag) => !list.some(([, own]) => own.includes(tag)));
  if (unused !== undefined) {
    throw invalid("--tag", `no device in ${file} has the tag ${unused}`, {
      hint: "the column tags of the list holds the tags of a device, separated by spaces",
    });
  }
  return list.filter(([, own]) => tags.some((tag) => own.includes(tag))).map(([device]) => device);
}

function assertDeviceName(name: string, option: string, place: string): void {
  if (isDeviceId(name)) return;
  const rule = "it must be 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen, the first a letter or digit";
  throw invalid(option, `${place}${JSON.stringify(name)} can't be a device's name; ${rule}`);
}

function invalid(
  option: string,
  message: string,
  more: { readonly cause?: unknown; readonly hint?: string } = {},
): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option }, more);
}
