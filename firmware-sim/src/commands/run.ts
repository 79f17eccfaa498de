import { OtaError } from "@tinybms/ota-core";
import { createDevice, createProvisionedDevice } from "../create-device.ts";
import type { DeviceLogEntry, SimulatedDevice } from "../device.ts";
import { FlashFile } from "../flash-file.ts";
import { connectDevice, type DeviceConnection } from "../mqtt/connect-device.ts";
import { type BrokerOptions, type ChosenBroker, openBrokerOf } from "./broker-option.ts";
import { type CommandOutput, printable } from "./command-output.ts";
import { deviceTable } from "./device-table.ts";
import type { Board } from "./provisioned-boards.ts";
import { type DeviceInputOptions, type DeviceInputs, readDeviceInputs } from "./run-inputs.ts";

/** The options of `tinybms-sim run`. */
export interface RunOptions extends DeviceInputOptions, BrokerOptions {
  /** End when every device has ended an offer. */
  readonly until?: "settled";
  /** In seconds. */
  readonly timeout?: number;
}

type End = "settled" | "timeout" | "interrupted";

/**
 * `tinybms-sim run`: devices on a broker, until something ends it.
 *
 * @returns The exit code: 0 settled, 1 out of time, 130 interrupted.
 * @throws OtaError for arguments and files, among them the one that the flash is kept in, and
 *   `delivery/broker-unreachable` where time is over and no device ever reached the broker.
 */
export async function run(options: RunOptions, output: CommandOutput): Promise<number> {
  const inputs = await readDeviceInputs(options);
  const broker = await openBrokerOf(inputs.boards, options);
  output.hide(broker.secrets);
  const failure = new AbortController();
  let fleet: Fleet | undefined;
  let flashFile: FlashFile | undefined;
  let end: End;
  try {
    flashFile = await keepFlash(inputs, output, (error) => failure.abort(error));
    fleet = startFleet(inputs, broker, output);
    end = await untilEnd(fleet, options, AbortSignal.any([output.io.signal, failure.signal]));
  } finally {
    await Promise.all(fleet?.connections.map((connection) => connection.stop()) ?? []);
    flashFile?.close();
    await broker.close();
  }
  failure.signal.throwIfAborted();
  if (end === "timeout" && !fleet.wasReached()) throw unreachable(broker, fleet.lastError());
  const devices = fleet.connections.map(({ device }) => device.summary());
  output.printJson({ devices });
  for (const line of deviceTable(devices)) output.print(line);
  if (end === "timeout") output.warn(`not every device has ended an offer after ${options.timeout} s`);
  if (end === "interrupted") return 130;
  return end === "settled" ? 0 : 1;
}

/** Has the flash of the one device kept in its file from now on, if it is to be. */
async function keepFlash(
  { boards: [board], flashFile }: DeviceInputs,
  output: CommandOutput,
  onFailure: (error: OtaError) => void,
): Promise<FlashFile | undefined> {
  if (flashFile === undefined || board === undefined) return undefined;
  const { path, isNew, unused } = flashFile;
  const state = isNew ? "is new" : "holds the device";
  const left = unused.length === 0 ? "" : `; ${unused.join(", ")} would be for a new one`;
  output.note(`the flash in ${path} ${state}${left}`);
  return FlashFile.keep(board.hardware.flash, path, isNew, onFailure);
}

interface Fleet {
  readonly connections: readonly DeviceConnection[];
  /** Some device was connected at some time. */
  wasReached(): boolean;
  lastError(): Error | undefined;
}

function startFleet(inputs: DeviceInputs, broker: ChosenBroker, output: CommandOutput): Fleet {
  const { boards, faults } = inputs;
  const count = `${boards.length} ${boards.length === 1 ? "device" : "devices"}`;
  output.note(`${count} on ${broker.display}, topic ${boards[0]?.provisioning?.topic ?? inputs.topic}`);
  output.note(trustOf(inputs));
  let wasReached = false;
  let lastError: Error | undefined;
  const onConnectionError = (error: Error) => {
    const isNew = lastError?.message !== error.message;
    lastError = error;
    if (isNew && !wasReached) output.warn(`${broker.display} can't be reached, trying again: ${error.message}`);
  };
  const connections = boards.map((board, index) => {
    const device = deviceOf(board, inputs, index + 1);
    const onLog = (entry: DeviceLogEntry) => report(entry, output);
    const connection = connectDevice(device, broker.url, { faults, seed: index + 1, onLog, onConnectionError });
    connection.watch(() => {
      wasReached ||= connection.isOnline;
    });
    return connection;
  });
  return { connections, wasReached: () => wasReached, lastError: () => lastError };
}

function deviceOf(
  { id, hardware, provisioning }: Board,
  { topic, product, keySet, faults }: DeviceInputs,
  seed: number,
): SimulatedDevice {
  if (provisioning !== undefined) return createProvisionedDevice(hardware, { faults, seed });
  return createDevice({ id, topicRoot: topic, product, hardware, keySet, faults, seed });
}

/** Whom the devices believe, as far as the options say. */
function trustOf({ boards, keySet, flashFile }: DeviceInputs): string {
  const told = boards.flatMap(({ provisioning }) => provisioning ?? []);
  if (told.length > 0) {
    const signed = told.filter(({ key_set }) => key_set !== undefined).length;
    if (signed === told.length) return "by their NVS the devices take signed offers alone";
    return `by their NVS ${signed === 0 ? "the devices" : `${told.length - signed} devices`} take unsigned offers`;
  }
  if (keySet !== undefined) return `the devices are provisioned with key set ${keySet.document.epoch}`;
  if (flashFile?.isNew === false) return "unless its flash holds a key set the device takes unsigned offers";
  return "without a key set the devices take unsigned offers";
}

/** Waits for whatever comes first. */
function untilEnd({ connections }: Fleet, options: RunOptions, signal: AbortSignal): Promise<End> {
  return new Promise((resolve) => {
    const unwatch: (() => void)[] = [];
    let timeout: NodeJS.Timeout | undefined;
    const end = (how: End) => {
      clearTimeout(timeout);
      signal.removeEventListener("abort", onAbort);
      for (const stop of unwatch) stop();
      resolve(how);
    };
    const onAbort = () => end("interrupted");
    if (signal.aborted) return end("interrupted");
    signal.addEventListener("abort", onAbort);
    if (options.timeout !== undefined) timeout = setTimeout(() => end("timeout"), options.timeout * 1000);
    if (options.until !== "settled") return;
    const pending = new Set(connections.map(({ device }) => device));
    for (const connection of connections) {
      const { device } = connection;
      unwatch.push(
        connection.watch(() => {
          if (isSettled(device)) pending.delete(device);
          else pending.add(device);
          if (pending.size === 0) end("settled");
        }),
      );
    }
  });
}

function isSettled({ status, state }: SimulatedDevice): boolean {
  if (status !== "running") return false;
  return state === "confirmed" || state === "rejected" || state === "rolled-back" || state === "failed";
}

function report(entry: DeviceLogEntry, output: CommandOutput): void {
  output.trace(entry);
  if (!output.quiet && !output.verbose) output.print(textOf(entry, output));
}

function textOf(entry: DeviceLogEntry, output: CommandOutput): string {
  const device = output.style("bold", entry.device);
  switch (entry.type) {
    case "booted": {
      const gaveUp = entry.rolledBack ? "; the bootloader gave up the image before" : "";
      return `${device}  boots ${printable(entry.version)} from ${printable(entry.slot)} (start ${entry.bootCount})${gaveUp}`;
    }
    case "reset-loop":
      return `${device}  ${output.style("red", `does not boot: ${entry.reason}`)}`;
    case "unprovisioned":
      return `${device}  ${output.style("red", `has lost who it is: ${printable(entry.message)}`)}`;
    case "state":
      return `${device}  ${entry.state}${entry.error === undefined ? "" : `  ${entry.error.code}: ${printable(entry.error.message)}`}`;
    case "power-cut":
      return `${device}  ${output.style("yellow", entry.message)}`;
    case "panic":
      return `${device}  ${output.style("red", `panic: ${printable(entry.message)}`)}`;
  }
}

function unreachable({ host, port, display }: ChosenBroker, cause: Error | undefined): OtaError {
  const why = cause === undefined ? "" : `: ${cause.message}`;
  const message = `no device reached the broker ${display}${why}`;
  return new OtaError("delivery/broker-unreachable", message, { host, port }, cause === undefined ? {} : { cause });
}
