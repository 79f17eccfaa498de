import { tableLines } from "@tinybms/cli-kit/output";
import { errorText, runningRelease, type ShownDevice, stateStyle, stateWord } from "./device-text.ts";

/** Applies a style to text, or returns the text unchanged. */
export type Paint = (style: ReturnType<typeof stateStyle> | "bold", text: string) => string;

const STATE_COLUMN = 1;

/**
 * Formats devices as a table: state, running release, slot, time, error.
 *
 * @param devices - Devices in the order of the rows.
 * @param paint - Called after the columns are aligned.
 * @returns A line of headings, then one line per device.
 */
export function deviceTable(devices: readonly ShownDevice[], paint: Paint): readonly string[] {
  const headings = ["device", "state", "release", "slot", "time", "error"];
  const rows = devices.map((device) => [
    device.device,
    stateWord(device),
    runningRelease(device) ?? "-",
    device.slot ?? "-",
    device.endedAtMs === undefined ? "-" : `${(device.endedAtMs / 1000).toFixed(1)} s`,
    errorText(device),
  ]);
  const [heading = "", ...lines] = tableLines(headings, rows, {
    paint: (cell, row, column) => {
      const device = devices[row];
      return device === undefined || column !== STATE_COLUMN ? cell : paint(stateStyle(device), cell);
    },
  });
  return [paint("bold", heading), ...lines];
}
