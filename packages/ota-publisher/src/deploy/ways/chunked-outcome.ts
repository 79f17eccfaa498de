import { printable } from "@tinybms/cli-kit/output";
import { type CompetingOffer, type DeliveryOutcome, type DeviceProgress, OtaError } from "@tinybms/ota-core";
import type { DeliveryPlan } from "../../mqtt/deliver-over-mqtt.ts";
import { interruptedError } from "./way.ts";

type Plan = Pick<DeliveryPlan, "expected" | "wait" | "timeoutMs">;

/**
 * Creates the error of a chunked delivery from its outcome.
 *
 * @returns `undefined` if every expected device reached the state in `wait`.
 */
export function errorOfOutcome({ reason, devices, by }: DeliveryOutcome, plan: Plan): OtaError | undefined {
  const silent = devices.filter(({ state }) => state === undefined).map(({ device }) => device);
  switch (reason) {
    case "delivered":
    case "offered":
      return undefined;
    case "cancelled":
      return interruptedError();
    case "no-device":
      return noDeviceError(plan.expected.devices ?? [], plan);
    case "device-failed": {
      const failed = devices.filter(hasFailed);
      // None of them ever reported.
      if (failed.length === 0 && silent.length > 0) return noDeviceError(silent, plan);
      return failureError(failed, devices.length);
    }
    case "timeout":
      return timeoutError(devices, silent, plan);
    case "superseded":
    case "withdrawn":
    case "number-taken":
      return replacedError(by);
    case "unacknowledged":
    case "not-retained":
      throw new Error(`the outcome ${reason} is an error of the broker`);
  }
}

/** Creates the error that names the failed devices and their errors. */
function failureError(failed: readonly DeviceProgress[], count: number): OtaError {
  const message = `${failed.length} of ${count} devices did not install the image: ${listOf(failed.map(failureText))}`;
  const details = { devices: failed.map(({ device }) => device) };
  if (failed.some(({ error }) => error?.code !== "delivery/contradictory-report")) {
    return new OtaError("delivery/device-failed", message, details);
  }
  const hint = "reports are not signed: check the device itself, and who may publish on its topics";
  return new OtaError("delivery/contradictory-report", message, details, { hint });
}

/** Creates the error for an offer that was withdrawn or replaced. */
function replacedError(by: CompetingOffer | undefined): OtaError {
  const { id, counter = [0, 0], version } = by ?? {};
  const [epoch, sequence] = counter;
  const which = `offer ${id} (epoch ${epoch}, sequence ${sequence})`;
  const stop = "devices that are downloading stop; devices that run the image keep it";
  if (version === undefined) {
    return new OtaError(
      "delivery/withdrawn",
      `the offer was withdrawn by ${which}`,
      { epoch, sequence },
      { hint: stop },
    );
  }
  const message = `the offer was replaced by ${which} of version ${printable(version)}`;
  const hint = "another deploy to the same devices started later; see its result";
  return new OtaError("delivery/superseded", message, { epoch, sequence, version }, { hint });
}

function noDeviceError(
  expected: readonly string[],
  { expected: { count }, timeoutMs }: Plan,
): OtaError<"delivery/no-device"> {
  const who =
    expected.length > 0
      ? `from ${listOf(expected)}`
      : count === undefined
        ? "from any device"
        : `from any of ${count} devices`;
  const message = `nothing was received ${who} within ${timeoutMs / 1000} s`;
  const hint = "check that they are on, connected to the same broker, and set to the same topic";
  return new OtaError("delivery/no-device", message, { expected }, { hint });
}

function timeoutError(
  devices: readonly DeviceProgress[],
  silent: readonly string[],
  { wait, timeoutMs, expected: { count } }: Plan,
): OtaError<"delivery/timeout"> {
  const seconds = timeoutMs / 1000;
  const late = devices.filter(({ endedAtMs }) => endedAtMs === undefined).map(({ device }) => device);
  const faults: string[] = [];
  const slow = late.filter((device) => !silent.includes(device));
  if (slow.length > 0) faults.push(`${listOf(slow)} not yet ${wait}`);
  if (silent.length > 0) faults.push(`${listOf(silent)} did not report`);
  if (count !== undefined && devices.length < count) faults.push(`${devices.length} of ${count} devices appeared`);
  const message = `time is up after ${seconds} s: ${faults.length === 0 ? "no device finished" : faults.join("; ")}`;
  const hint =
    "the offer remains, and devices continue while a publisher answers: deploy again with a longer --timeout";
  return new OtaError("delivery/timeout", message, { seconds, devices: late }, { hint });
}

function hasFailed({ state, error, endedAtMs }: DeviceProgress): boolean {
  if (state === "failed" || state === "rejected" || state === "rolled-back") return true;
  return error !== undefined && endedAtMs !== undefined;
}

function failureText({ device, state, error }: DeviceProgress): string {
  const reason = error === undefined ? "" : `, ${printable(error.code)}`;
  return `${device} (${state ?? "not heard of"}${reason})`;
}

/** Joins up to ten names for a message and counts the rest. */
function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(", ");
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}
