import { printable } from "@tinybms/cli-kit/output";
import type { DeviceProgress } from "@tinybms/ota-core";

/** A device's state in a word. */
export function stateWord({ state, online }: DeviceProgress): string {
  if (state === undefined) return "not heard of";
  return online ? state : `${state} (offline)`;
}

/** What a device runs, and where from, as far as it has said. */
export function runningText({ version, slot }: DeviceProgress): string {
  return [version, slot].flatMap((text) => (text === undefined ? [] : [printable(text)])).join(" in ");
}

/** A device's error on one line; empty without one. */
export function errorText({ error }: DeviceProgress): string {
  return error === undefined ? "" : `${printable(error.code)}: ${printable(error.message)}`;
}

/** How a state is coloured: ended well, ended badly, or under way. */
export function stateStyle({ state }: DeviceProgress): "green" | "red" | "yellow" | "dim" {
  if (state === undefined) return "dim";
  if (state === "confirmed") return "green";
  return state === "rejected" || state === "rolled-back" || state === "failed" ? "red" : "yellow";
}
