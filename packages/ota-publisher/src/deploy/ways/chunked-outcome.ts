import { printable } from "@tinybms/cli-kit/output";
import { type CompetingOffer, type DeliveryOutcome, type DeviceProgress, OtaError } from "@tinybms/ota-core";
import type { DeliveryPlan } from "../../mqtt/deliver-over-mqtt.ts";
import { interruptedError } from "./way.ts";

type Plan = Pick<DeliveryPlan, "expected" | "wait" | "timeoutMs">;

/**
 * Makes the error of a delivery in chunks from its outcome.
 *
 * @returns `undefined` if every device that was expected ended as `wait` says.
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
      // Each of them was only ever waited for.
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

function noDeviceError(
  expected: readonly string[],
  { expected: { count }, timeoutMs }: Plan,
): OtaError<"delivery/no-device"> {
  const who =
    expected.length > 0
      ? `of ${listOf(expected)}`
      : count === undefined
        ? "of any device"
        : `of any of ${count} devices`;
  const message = `nothing was heard ${who} within ${timeoutMs / 1000} s`;
  const hint = "are they on, connected to the same broker, and set to the same topic?";
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
  if (silent.length > 0) faults.push(`${listOf(silent)} not heard of`);
  if (count !== undefined && devices.length < count) faults.push(`${devices.length} of ${count} devices appeared`);
  const message = `time is up after ${seconds} s: ${faults.length === 0 ? "no device ended" : faults.join("; ")}`;
  const hint =
    "the offer stands, and devices go on as long as a publisher answers: deploy again, with a longer --timeout";
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

/** Names for a message: ten, and how many more. */
function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(", ");
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}
