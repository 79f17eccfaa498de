import type { DeviceSummary, OtadataSummary } from "../device/device-summary.ts";
import { printable } from "./command-output.ts";

/** A table of devices for people: a line of headings, then one line each. */
export function deviceTable(devices: readonly DeviceSummary[]): readonly string[] {
  const rows = [
    ["device", "state", "version", "slot", "otadata", "boots", "erases", "error"],
    ...devices.map(({ device, state, version, slot, otadata, bootCount, flash, error }) => [
      device,
      state,
      printable(version ?? "-"),
      printable(slot ?? "-"),
      otadata.map(otadataText).join(" ") || "-",
      `${bootCount}`,
      `${flash.erases}`,
      error === undefined ? "" : `${error.code}: ${printable(error.message)}`,
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function otadataText(entry: OtadataSummary): string {
  if (entry === null) return "blank";
  return `${entry.sequence}:${entry.state}${entry.valid ? "" : "(torn)"}`;
}
