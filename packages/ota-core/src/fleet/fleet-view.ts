import { compareSequence } from "../messages/offer.ts";
import { type DeviceState, readStateReport } from "../messages/state-report.ts";
import type { StateReport } from "../schemas/types.generated.ts";

/** Default maximum number of devices in a {@link FleetView}. */
const DEVICES_MAX = 20_000;

/** Maximum number of changes kept per device. */
const CHANGES_MAX = 32;

/** Fields of a device's report that a fleet view keeps. They are claims of the device. */
export interface FleetReport {
  readonly state: DeviceState;
  /** Image of its offer: 32 hexadecimal digits; `undefined` without an offer. */
  readonly image: string | undefined;
  /** Version of the app descriptor of the running image. */
  readonly version: string;
  readonly slot: string;
  /** SHA-256 of the running image: 64 hexadecimal digits. */
  readonly runningSha256: string;
  /** Number of chunks of the offered image that are in flash, of `total`. */
  readonly received: number;
  readonly total: number;
  /** Highest (epoch, sequence) that it accepted. */
  readonly accepted: readonly [epoch: number, sequence: number];
  /** Epoch of the trusted key set; `undefined` without a key set. */
  readonly keySet: number | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly bootCount: number;
}

/** A change of a device's state, running image or error. */
export interface FleetChange {
  /** Time of the event, in milliseconds. */
  readonly at: number;
  readonly state: DeviceState;
  readonly runningSha256: string;
  readonly errorCode: string | undefined;
}

/** One device of a fleet. */
export interface FleetDevice {
  readonly device: string;
  readonly online: boolean;
  readonly report: FleetReport;
  /** Time of its last report, in milliseconds. */
  readonly heardAt: number;
  /** Its last 32 changes, oldest first. */
  readonly changes: readonly FleetChange[];
}

/** Counts over all devices of a {@link FleetView}. */
export interface FleetCounts {
  readonly devices: number;
  readonly online: number;
  /** By SHA-256 of the running image. */
  readonly byRunningImage: ReadonlyMap<string, number>;
  readonly byState: ReadonlyMap<DeviceState, number>;
  readonly byErrorCode: ReadonlyMap<string, number>;
  /** By epoch of the key set; 0 without a key set. */
  readonly byKeySet: ReadonlyMap<number, number>;
  /** Highest (epoch, sequence) that any device accepted; [0, 0] if no device accepted an offer. */
  readonly highestAccepted: readonly [epoch: number, sequence: number];
}

/** Result of {@link FleetView.report}. */
export type FleetReportResult = "changed" | "unchanged" | "malformed";

/**
 * State of a fleet, from the reports of its devices. Bounded: a new device replaces the one that has not reported for
 * the longest time.
 */
export class FleetView {
  readonly #devicesMax: number;
  /** Ordered by the time of the last report, oldest first. */
  readonly #devices = new Map<string, FleetDevice>();
  #forgotten = 0;
  #malformed = 0;

  /**
   * @param options.devicesMax - Maximum number of devices.
   * @defaultValue 20 000
   */
  constructor({ devicesMax = DEVICES_MAX }: { readonly devicesMax?: number } = {}) {
    this.#devicesMax = devicesMax;
  }

  /** Number of times that a new device replaced another one. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Number of messages that were not state reports of the device in their topic. */
  get malformed(): number {
    return this.#malformed;
  }

  /** Returns all devices, sorted by name. */
  devices(): readonly FleetDevice[] {
    return [...this.#devices.values()].sort((left, right) => (left.device < right.device ? -1 : 1));
  }

  /** Returns a device; `undefined` if it has not reported, or was replaced. */
  find(device: string): FleetDevice | undefined {
    return this.#devices.get(device);
  }

  /**
   * Takes a message on a device's state topic.
   *
   * A report with `online: false` is the connection's will, which is as old as the connection: if the device has
   * reported before, only that member counts.
   *
   * @param device - Device in the topic.
   * @param payload - The message.
   * @param now - Time in milliseconds, of any clock that does not go backward.
   */
  report(device: string, payload: Uint8Array, now: number): FleetReportResult {
    const document = readStateReport(payload);
    if (document?.device !== device) {
      this.#malformed++;
      return "malformed";
    }
    const before = this.#devices.get(device);
    const report = before !== undefined && !document.online ? before.report : reportOf(document);
    const change = changeOf(report, now);
    const isNews = before === undefined || !isSameChange(change, before.changes.at(-1));
    const changes = isNews ? [...(before?.changes ?? []), change].slice(-CHANGES_MAX) : before.changes;
    this.#devices.delete(device);
    if (before === undefined && this.#devices.size >= this.#devicesMax) this.#forgetOne();
    this.#devices.set(device, { device, online: document.online, report, heardAt: now, changes });
    const hasProgress = before?.report.received !== report.received || before.online !== document.online;
    return isNews || hasProgress ? "changed" : "unchanged";
  }

  /** Counts all devices. */
  counts(): FleetCounts {
    const byRunningImage = new Map<string, number>();
    const byState = new Map<DeviceState, number>();
    const byErrorCode = new Map<string, number>();
    const byKeySet = new Map<number, number>();
    let online = 0;
    let highestAccepted: FleetReport["accepted"] = [0, 0];
    for (const { online: isOnline, report } of this.#devices.values()) {
      if (isOnline) online++;
      count(byRunningImage, report.runningSha256);
      count(byState, report.state);
      count(byKeySet, report.keySet ?? 0);
      if (report.error !== undefined) count(byErrorCode, report.error.code);
      if (isBehind(highestAccepted, report.accepted)) highestAccepted = report.accepted;
    }
    return {
      devices: this.#devices.size,
      online,
      byRunningImage,
      byState,
      byErrorCode,
      byKeySet,
      highestAccepted,
    };
  }

  #forgetOne(): void {
    const [oldest] = this.#devices.keys();
    if (oldest === undefined) return;
    this.#devices.delete(oldest);
    this.#forgotten++;
  }
}

/** Returns `true` if a counter is lower than another: by epoch, then by sequence. */
export function isBehind(counter: FleetReport["accepted"], other: FleetReport["accepted"]): boolean {
  return compareSequence(counter, other) < 0;
}

/** Copies only known members: members outside the schema could have any size. */
function reportOf(document: StateReport): FleetReport {
  const { state, image, version, slot, received, total, accepted, error } = document;
  return {
    ...{ state, image, version, slot, received, total },
    runningSha256: document.running_sha256,
    accepted: [accepted[0], accepted[1]],
    keySet: document.key_set,
    error: error && { code: error.code, message: error.message },
    bootCount: document.boot_count,
  };
}

function changeOf({ state, runningSha256, error }: FleetReport, at: number): FleetChange {
  return { at, state, runningSha256, errorCode: error?.code };
}

function isSameChange(change: FleetChange, other: FleetChange | undefined): boolean {
  return (
    change.state === other?.state &&
    change.runningSha256 === other.runningSha256 &&
    change.errorCode === other.errorCode
  );
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
