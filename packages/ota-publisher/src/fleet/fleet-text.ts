import { printable, tableLines } from "@tinybms/cli-kit/output";
import { releaseText } from "../release-index.ts";
import type { FleetRow } from "./fleet-row.ts";

const HEADINGS = ["device", "state", "release", "slot", "chunks", "accepted", "keys", "error"];

/**
 * Formats devices as a table. For an image that is in no release, shows the app descriptor's version in parentheses.
 */
export function fleetTable(rows: readonly FleetRow[]): readonly string[] {
  return tableLines(
    HEADINGS,
    rows.map((row) => [
      row.device,
      row.online ? row.state : `${row.state} (offline)`,
      releaseText(row.releases, row.version),
      row.slot,
      row.state === "downloading" ? `${row.received}/${row.total}` : "",
      `${row.accepted.join(".")}${row.behind ? " behind" : ""}`,
      row.keySet === undefined ? "-" : String(row.keySet),
      row.error === undefined ? "" : row.error.code,
    ]),
  );
}

/** Formats one device on a line, for logs. */
export function fleetLine(row: FleetRow): string {
  const { device, online, state, received, total, error } = row;
  const progress = state === "downloading" ? ` ${received}/${total}` : "";
  const why = error === undefined ? "" : ` (${error.code}: ${error.message})`;
  return printable(
    `${device}: ${state}${progress}${online ? "" : " (offline)"}, ${releaseText(row.releases, row.version)}${why}`,
  );
}

/** Summarizes devices: counts by release, state and error code. */
export function fleetSummary(rows: readonly FleetRow[]): readonly string[] {
  const online = rows.filter((row) => row.online).length;
  const behind = rows.filter((row) => row.behind).length;
  const errors = rows.flatMap(({ error }) => (error === undefined ? [] : [error.code]));
  return [
    `${rows.length} ${rows.length === 1 ? "device" : "devices"}, ${online} online, ${behind} behind the latest offer`,
    ...line(
      "release",
      rows.map(({ releases, version }) => releaseText(releases, version)),
    ),
    ...line(
      "state",
      rows.map(({ state }) => state),
    ),
    ...line("error", errors),
  ];
}

/**
 * Formats devices as CSV (RFC 4180), with a line of headings.
 *
 * A cell that a spreadsheet would read as a formula begins with an apostrophe, because devices may report any text.
 */
export function fleetCsv(rows: readonly FleetRow[]): string {
  const headings = [
    ...["device", "online", "state", "releases", "version", "slot", "running_sha256", "received", "total"],
    ...["accepted_epoch", "accepted_sequence", "behind", "key_set", "error_code", "error_message"],
  ];
  const lines = rows.map((row) => [
    ...[row.device, row.online, row.state, row.releases.join(" "), row.version, row.slot, row.runningSha256],
    ...[row.received, row.total, ...row.accepted, row.behind, row.keySet ?? ""],
    ...[row.error?.code ?? "", row.error?.message ?? ""],
  ]);
  return [headings, ...lines].map((cells) => `${cells.map(csvCell).join(",")}\r\n`).join("");
}

function line(name: string, values: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  if (counts.size === 0) return [];
  const sorted = [...counts].sort(([, left], [, right]) => right - left);
  return [printable(`by ${name}: ${sorted.map(([value, count]) => `${value} ${count}`).join(", ")}`)];
}

function csvCell(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
