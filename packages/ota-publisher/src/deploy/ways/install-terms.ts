import type { InstallTerms, MaintenanceWindow } from "../../offer-payload.ts";
import type { DeployOptions } from "./deploy-options.ts";
import type { Setting } from "./way.ts";

const INSTALL_OPTIONS = [
  ["installAfter", "--install-after"],
  ["between", "--between"],
  ["clockless", "--clockless"],
  ["restartSpread", "--restart-spread"],
  ["probationMax", "--probation-max"],
] as const;

/** Returns what the offer says of the restart. A time is critical unless clockless devices may install at once. */
export function installTermsOf(options: DeployOptions): InstallTerms {
  const { installAfter, between, clockless, restartSpread, probationMax } = options;
  const times = { ...(installAfter && { install_after: installAfter }), ...(between && { between }) };
  const critical = clockless === "install" ? [] : Object.keys(times);
  return {
    ...times,
    ...(critical.length > 0 && { critical }),
    ...(restartSpread !== undefined && { restart_spread_ms: Math.round(restartSpread * 1000) }),
    ...(probationMax !== undefined && { probation_max_ms: Math.round(probationMax * 1000) }),
  };
}

/** Returns the first option that says something of the restart; `undefined` if none does. */
export function installOptionOf(options: DeployOptions): string | undefined {
  return INSTALL_OPTIONS.find(([name]) => options[name] !== undefined)?.[1];
}

/** Describes when devices restart, for the table of a dry run. */
export function installSettings({ install_after: after, between }: InstallTerms = {}): Setting[] {
  const window = between === undefined ? "" : windowText(between);
  if (after === undefined) return window === "" ? [] : [["restart", window]];
  return [["restart", `after ${after}${window === "" ? "" : `, ${window}`}`]];
}

function windowText({ start_minute: start, minutes, offset_minutes: offset = 0 }: MaintenanceWindow): string {
  const clock = (minute: number): string =>
    [Math.floor(minute / 60) % 24, minute % 60].map((part) => String(part).padStart(2, "0")).join(":");
  const zone = offset === 0 ? "UTC" : `UTC${offset < 0 ? "-" : "+"}${clock(Math.abs(offset))}`;
  return `between ${clock(start)} and ${clock(start + minutes)} ${zone}`;
}
