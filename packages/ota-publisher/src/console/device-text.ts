import { printable } from "@tinybms/cli-kit/output";
import type { DeviceProgress } from "@tinybms/ota-core";
import { releaseText } from "../release-index.ts";

/** A device of a delivery as it is shown. */
export interface ShownDevice extends DeviceProgress {
  /** Versions of the release line that contain the image that it runs; absent if it does not report its image. */
  readonly releases?: readonly string[];
}

/** Returns a device's state as text. */
export function stateWord({ state, online, isNoisy }: DeviceProgress): string {
  if (state === undefined) return "not heard of";
  const notes = [...(online ? [] : ["offline"]), ...(isNoisy === true ? ["noisy"] : [])];
  return notes.length === 0 ? state : `${state} (${notes.join(", ")})`;
}

/** Returns the release that a device runs, or its app's version; `undefined` if it has reported neither. */
export function runningRelease({ version, releases }: ShownDevice): string | undefined {
  if (version === undefined) return undefined;
  return printable(releases === undefined ? version : releaseText(releases, version));
}

/** Returns the release that a device runs and its slot, as far as the device has reported them. */
export function runningText(device: ShownDevice): string {
  const parts = [runningRelease(device), device.slot && printable(device.slot)];
  return parts.filter((text) => text !== undefined).join(" in ");
}

/** Returns a device's error on one line, or the empty string. */
export function errorText({ error }: DeviceProgress): string {
  return error === undefined ? "" : `${printable(error.code)}: ${printable(error.message)}`;
}

/** Returns the style of a state: green for success, red for failure, yellow in between, dim before the first report. */
export function stateStyle({ state }: DeviceProgress): "green" | "red" | "yellow" | "dim" {
  if (state === undefined) return "dim";
  if (state === "confirmed") return "green";
  return state === "rejected" || state === "rolled-back" || state === "failed" ? "red" : "yellow";
}
