import { readFile } from "node:fs/promises";
import { decodeText, isDeviceId, OtaError } from "@tinybms/ota-core";
import { type DeliveryTarget, TARGET_DEVICES_MAX } from "../offer-payload.ts";
import type { DeployOptions } from "./ways/deploy-options.ts";

/**
 * Reads the devices of a delivery from the options and the device file, without duplicates.
 *
 * @returns `all` if neither names a device.
 * @throws {@link OtaError} `arguments/invalid`, also if there are more devices than an offer can name.
 */
export async function readTarget({
  device = [],
  deviceFile,
}: Pick<DeployOptions, "device" | "deviceFile">): Promise<DeliveryTarget> {
  for (const name of device) assertDeviceName(name, "--device", "");
  const devices = [...new Set([...device, ...(deviceFile === undefined ? [] : await readDeviceFile(deviceFile))])];
  if (devices.length === 0) return "all";
  if (devices.length <= TARGET_DEVICES_MAX) return { devices };
  const message = `${devices.length} devices are named; one delivery may name at most ${TARGET_DEVICES_MAX}`;
  throw invalid("--device", message, { hint: "deliver to them in several runs, or to every device of the product" });
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
