import { type DeviceState, type FleetDevice, type FleetView, isBehind } from "@tinybms/ota-core";
import { definedMembers } from "../defined-members.ts";
import type { ReleaseIndex } from "../release-index.ts";

/** One device of a fleet for `status`. */
export interface FleetRow {
  readonly device: string;
  readonly online: boolean;
  readonly state: DeviceState;
  /** Versions of the release line that contain the running image. Many images may share one app descriptor version. */
  readonly releases: readonly string[];
  /** Version of the app descriptor. */
  readonly version: string;
  readonly slot: string;
  readonly runningSha256: string;
  readonly received: number;
  readonly total: number;
  readonly accepted: readonly [epoch: number, sequence: number];
  /** Whether another device of the topic accepted a later offer. */
  readonly behind: boolean;
  readonly keySet?: number;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Filters for devices. A device is shown if it matches every filter. An empty list matches every device. */
export interface FleetFilter {
  readonly devices: readonly string[];
  readonly states: readonly string[];
  /** Versions of the release line. */
  readonly releases: readonly string[];
}

/** Lists the devices of a fleet, sorted by name. */
export function fleetRows(fleet: FleetView, releases: ReleaseIndex, filter: FleetFilter): readonly FleetRow[] {
  const { highestAccepted } = fleet.counts();
  return fleet
    .devices()
    .map((device) => rowOf(device, releases.get(device.report.runningSha256) ?? [], highestAccepted))
    .filter((row) => isAdmitted(row, filter));
}

function rowOf(
  { device, online, report }: FleetDevice,
  releases: readonly string[],
  highest: FleetRow["accepted"],
): FleetRow {
  const { state, version, slot, runningSha256, received, total, accepted, keySet, error } = report;
  const behind = isBehind(accepted, highest);
  return {
    ...{ device, online, state, releases, version, slot, runningSha256, received, total, accepted, behind },
    ...definedMembers({ keySet, error }),
  };
}

function isAdmitted({ device, state, releases }: FleetRow, filter: FleetFilter): boolean {
  const admits = (wanted: readonly string[], has: readonly string[]): boolean =>
    wanted.length === 0 || wanted.some((it) => has.includes(it));
  return admits(filter.devices, [device]) && admits(filter.states, [state]) && admits(filter.releases, releases);
}
