import type { DeviceProgress } from "@tinybms/ota-core";
import { printable } from "./console.ts";
import { errorText, stateStyle, stateWord } from "./device-text.ts";

/** Colours a text, or leaves it as it is. */
export type Paint = (style: ReturnType<typeof stateStyle> | "bold", text: string) => string;

/**
 * A table of devices: state, running version, slot, time, error.
 *
 * @param devices - In the order in which they are to stand.
 * @param paint - Applied after the columns are aligned.
 * @returns One line each, with one of headings before.
 */
export function deviceTable(devices: readonly DeviceProgress[], paint: Paint): readonly string[] {
  const headings = ["device", "state", "version", "slot", "time", "error"];
  const rows = devices.map((device) => [
    printable(device.device),
    stateWord(device),
    printable(device.version ?? "-"),
    printable(device.slot ?? "-"),
    device.endedAtMs === undefined ? "-" : `${(device.endedAtMs / 1000).toFixed(1)} s`,
    errorText(device),
  ]);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const align = (row: readonly string[]): string[] =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)));
  const lines = rows.map((row, index) => {
    const device = devices[index];
    const cells = align(row).map((cell, column) =>
      column === 1 && device !== undefined ? paint(stateStyle(device), cell) : cell,
    );
    return cells.join("  ").trimEnd();
  });
  return [paint("bold", align(headings).join("  ").trimEnd()), ...lines];
}
