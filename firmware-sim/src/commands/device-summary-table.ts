import { tableLines } from "@tinybms/cli-kit/output";
import type { DeviceSummary, OtadataSummary } from "../device/device-summary.ts";

/** Formats devices as a table: a line of headings, then one line each. */
export function deviceTable(devices: readonly DeviceSummary[]): readonly string[] {
  const headings = ["device", "state", "version", "slot", "otadata", "boots", "erases", "error"];
  const rows = devices.map(({ device, state, version, slot, otadata, bootCount, flash, error }) => [
    device,
    state,
    version ?? "-",
    slot ?? "-",
    otadata.map(otadataText).join(" ") || "-",
    `${bootCount}`,
    `${flash.erases}`,
    error === undefined ? "" : `${error.code}: ${error.message}`,
  ]);
  return tableLines(headings, rows);
}

function otadataText(entry: OtadataSummary): string {
  if (entry === null) return "blank";
  return `${entry.sequence}:${entry.state}${entry.valid ? "" : "(torn)"}`;
}
