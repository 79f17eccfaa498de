import { printable } from "@tinybms/cli-kit/output";
import { type CompetingOffer, type DeliveryOutcome, type DeviceProgress, OtaError } from "@tinybms/ota-core";
import { displayBroker } from "../mqtt/broker-url.ts";
import type { DeployCommandOptions } from "./deploy-options.ts";
import type { DeployPlan, PlannedDelivery } from "./deploy-plan.ts";

/** How one delivery of a deploy went. */
export interface DeliveryRecord {
  readonly planned: PlannedDelivery;
  /** `offered`: the broker has the offer, and no device was waited for. */
  readonly outcome: "planned" | "delivered" | "offered" | "failed";
  readonly durationMs: number;
  readonly bytesSent: number;
  readonly chunksSent: number;
  readonly devices: readonly DeviceProgress[];
  /** What the other side said that the user should know, as sentences. */
  readonly notes: readonly string[];
  /** Why it failed. */
  readonly error: OtaError | undefined;
}

/** A delivery that was not begun. */
export function plannedRecord(planned: PlannedDelivery): DeliveryRecord {
  const nothing = { durationMs: 0, bytesSent: 0, chunksSent: 0, devices: [], notes: [], error: undefined };
  return { planned, outcome: "planned", ...nothing };
}

/** The document of `deploy --json`. It holds nothing secret; `error` is the first delivery's that failed. */
export function deployDocument(
  { version, target, warnings }: DeployPlan,
  records: readonly DeliveryRecord[],
  dryRun: boolean,
  error?: OtaError,
): object {
  const deliveries = records.map(({ planned, ...record }) => ({
    artifact: planned.artifact,
    transport: planned.transport,
    mode: planned.mode,
    ...wayOf(planned, target),
    size: planned.file.sizeBytes,
    sha256: planned.file.sha256,
    bytesSent: record.bytesSent,
    chunksSent: record.chunksSent,
    durationMs: Math.round(record.durationMs),
    outcome: record.outcome,
    devices: record.devices.map(deviceDocument),
    ...(record.notes.length === 0 ? {} : { notes: record.notes }),
    ...(record.error === undefined ? {} : { error: record.error }),
  }));
  return { version, dryRun, deliveries, warnings, ...(error === undefined ? {} : { error }) };
}

/** Where a delivery goes, without user information and what else may be secret. */
function wayOf(planned: PlannedDelivery, target: DeployPlan["target"]): object {
  if (planned.transport === "https") return { target: planned.channel.display, method: planned.channel.method };
  if (planned.transport === "serial") return { target: { ports: planned.ports } };
  const { broker, topic, qos, retain } = planned.channel;
  const shown = broker === undefined ? "embedded" : displayBroker(broker);
  return { target, broker: shown, topic, qos, ...(planned.mode === "blob" ? { retain } : {}) };
}

/**
 * What an outcome is as an error.
 *
 * @returns `undefined` if every device that was expected ended as `--wait` says.
 */
export function errorOfOutcome(
  { reason, devices, by }: DeliveryOutcome,
  options: Pick<DeployCommandOptions, "wait" | "timeout" | "expect">,
  target: DeployPlan["target"],
): OtaError | undefined {
  const { expect, timeout } = options;
  const silent = devices.filter(({ state }) => state === undefined).map(({ device }) => device);
  switch (reason) {
    case "delivered":
    case "offered":
      return undefined;
    case "cancelled":
      return interruptedError();
    case "no-device":
      return noDeviceError(target === "all" ? [] : target.devices, expect, timeout);
    case "device-failed": {
      const failed = devices.filter(hasFailed);
      // Each of them was only ever waited for.
      if (failed.length === 0 && silent.length > 0) return noDeviceError(silent, expect, timeout);
      return failureError(failed, devices.length);
    }
    case "timeout":
      return timeoutError(devices, silent, options);
    case "superseded":
    case "withdrawn":
    case "number-taken":
      return replacedError(by);
    case "unacknowledged":
    case "not-retained":
      throw new Error(`an outcome of ${reason} is an error of the broker`);
  }
}

/** Which devices failed, and with what. */
function failureError(failed: readonly DeviceProgress[], count: number): OtaError {
  const message = `${failed.length} of ${count} devices did not take the image: ${listOf(failed.map(failureText))}`;
  const details = { devices: failed.map(({ device }) => device) };
  if (failed.some(({ error }) => error?.code !== "delivery/contradictory-report")) {
    return new OtaError("delivery/device-failed", message, details);
  }
  const hint = "what a device says is not signed: look at the device itself, and at who may publish in its name";
  return new OtaError("delivery/contradictory-report", message, details, { hint });
}

/** What took the place of the offer. */
function replacedError(by: CompetingOffer | undefined): OtaError {
  const { id, counter = [0, 0], version } = by ?? {};
  const [epoch, sequence] = counter;
  const which = `offer ${id} (epoch ${epoch}, sequence ${sequence})`;
  const stop = "devices that have begun stop, and those that run the image stay";
  if (version === undefined) {
    return new OtaError(
      "delivery/withdrawn",
      `the offer was withdrawn by ${which}`,
      { epoch, sequence },
      { hint: stop },
    );
  }
  const message = `the offer was replaced by ${which} of version ${printable(version)}`;
  const hint = "another deploy to the same devices began after this one; its result counts";
  return new OtaError("delivery/superseded", message, { epoch, sequence, version }, { hint });
}

/** What is said after Ctrl-C. */
export function interruptedError(): OtaError<"delivery/interrupted"> {
  const hint = "devices keep the offer and what they have: the same deploy again goes on from there";
  return new OtaError("delivery/interrupted", "interrupted", {}, { hint });
}

function deviceDocument({ device, state, version, slot, error, endedAtMs }: DeviceProgress): object {
  return {
    device,
    state: state ?? null,
    version: version ?? null,
    slot: slot ?? null,
    ...(endedAtMs === undefined ? {} : { endedAfterMs: Math.round(endedAtMs) }),
    ...(error === undefined ? {} : { error }),
  };
}

function noDeviceError(
  expected: readonly string[],
  count: number | undefined,
  timeout: number,
): OtaError<"delivery/no-device"> {
  const who =
    expected.length > 0
      ? `of ${listOf(expected)}`
      : count === undefined
        ? "of any device"
        : `of any of ${count} devices`;
  const message = `nothing was heard ${who} within ${timeout} s`;
  const hint = "are they on, connected to the same broker, and set to the same topic?";
  return new OtaError("delivery/no-device", message, { expected }, { hint });
}

function timeoutError(
  devices: readonly DeviceProgress[],
  silent: readonly string[],
  { wait, timeout, expect }: Pick<DeployCommandOptions, "wait" | "timeout" | "expect">,
): OtaError<"delivery/timeout"> {
  const late = devices.filter(({ endedAtMs }) => endedAtMs === undefined).map(({ device }) => device);
  const faults: string[] = [];
  const slow = late.filter((device) => !silent.includes(device));
  if (slow.length > 0) faults.push(`${listOf(slow)} not yet ${wait}`);
  if (silent.length > 0) faults.push(`${listOf(silent)} not heard of`);
  if (expect !== undefined && devices.length < expect) faults.push(`${devices.length} of ${expect} devices appeared`);
  const message = `time is up after ${timeout} s: ${faults.length === 0 ? "no device ended" : faults.join("; ")}`;
  const hint =
    "the offer stands, and devices go on as long as a publisher answers: deploy again, with a longer --timeout";
  return new OtaError("delivery/timeout", message, { seconds: timeout, devices: late }, { hint });
}

function hasFailed({ state, error, endedAtMs }: DeviceProgress): boolean {
  if (state === "failed" || state === "rejected" || state === "rolled-back") return true;
  return error !== undefined && endedAtMs !== undefined;
}

function failureText({ device, state, error }: DeviceProgress): string {
  const reason = error === undefined ? "" : `, ${printable(error.code)}`;
  return `${device} (${state ?? "not heard of"}${reason})`;
}

/** Names for a message: ten, and how many more. */
function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(", ");
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}
