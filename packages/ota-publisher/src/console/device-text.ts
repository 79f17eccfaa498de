import { printable } from "@tinybms/cli-kit/output";
import type { DeviceProgress } from "@tinybms/ota-core";

/** Returns a device's state as text. */
export function stateWord({ state, online, isNoisy }: DeviceProgress): string {
  if (state === undefined) return "not heard of";
  const notes = [...(online ? [] : ["offline"]), ...(isNoisy === true ? ["noisy"] : [])];
  return notes.length === 0 ? state : `${state} (${notes.join(", ")})`;
}

/** Returns the version that a device runs and its slot, as far as the device has reported them. */
export function runningText({ version, slot }: DeviceProgress): string {
  return [version, slot].flatMap((text) => (text === undefined ? [] : [printable(text)])).join(" in ");
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
