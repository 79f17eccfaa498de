import { type CommandOutput, printable } from "@tinybms/cli-kit/output";
import { OtaError } from "@tinybms/ota-core";
import type { AgentKind } from "../agent/agent-receiver.ts";
import { createDevice, createProvisionedDevice } from "../device/create-device.ts";
import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import { FlashFile } from "../device/flash-file.ts";
import { ContentCache } from "../flash/content-cache.ts";
import { connectDevice, type DeviceConnection } from "../mqtt/connect-device.ts";
import type { DeviceConnectOptions } from "../mqtt/connect-options.ts";
import { ConnectionTurns } from "../mqtt/connection-turns.ts";
import { assertPageWritable, RunPage } from "../replay-page/run-page.ts";
import { USB_SERIAL_JTAG_CHIPS } from "../rom/reset-circuit.ts";
import { ROM_CHIPS, romProfileOf } from "../rom/rom-profiles.ts";
import { type BrokerOptions, type ChosenBroker, openBrokerOf } from "./broker-option.ts";
import type { DeviceInputOptions } from "./device-input-options.ts";
import { deviceTable } from "./device-summary-table.ts";
import { showFleet } from "./fleet-line.ts";
import { idfLine } from "./idf-option.ts";
import { limitHeap } from "./limit-heap.ts";
import type { NamedBoard } from "./provisioned-boards.ts";
import { type DeviceInputs, readDeviceInputs } from "./run-inputs.ts";
import { aboutRun, type RunEnd } from "./run-page-facts.ts";
import { startSerialDevice } from "./serial-device.ts";
import { esptoolOptions, parseSerialOption, type SerialAddress } from "./serial-option.ts";

/** Options of `tinybms-sim run`. */
export interface RunOptions extends DeviceInputOptions, BrokerOptions {
  /** `settled` ends the command when every device has finished an update. */
  readonly until?: "settled";
  /** QoS of the devices' subscriptions. */
  readonly subscribeQos?: "0" | "1";
  /** Timeout in seconds. */
  readonly timeout?: number;
  /** Path of a page to write at the end. */
  readonly html?: string;
}

/** Number of devices that connect at the same time. */
const CONNECTIONS_AT_ONCE = 50;

/** Minimum number of devices for which the memory of the process is limited. */
const LIMITED_DEVICES_MIN = 50;

/**
 * Runs `tinybms-sim run`: runs devices on a broker until they have settled, a timeout, or an interrupt.
 *
 * @returns Exit code: 0 if settled, 1 after a timeout, 130 if interrupted.
 * @throws {@link OtaError} for invalid arguments and files, also if the flash file can't be written;
 *   `delivery/broker-unreachable` after a timeout if no device ever reached the broker.
 */
export async function run(options: RunOptions, output: CommandOutput): Promise<number> {
  const serial = options.serial === undefined ? undefined : parseSerialOption(options.serial, options.resetCircuit);
  if (serial === undefined && options.resetCircuit !== undefined) throw resetCircuitFault("requires --serial");
  // First: what V8 has once taken for its young generation it keeps.
  if ((options.devices ?? 1) >= LIMITED_DEVICES_MIN) limitHeap();
  const inputs = await readDeviceInputs(options);
  if (serial !== undefined) refuseOnSerial(inputs, serial);
  if (options.html !== undefined) await assertPageWritable(options.html);
  const devices = inputs.boards.map((board, index) => deviceOf(board, inputs, index + 1));
  const page = options.html === undefined ? undefined : new RunPage(devices);
  const needsBroker = serial === undefined || options.broker !== undefined || hasProvisionedBroker(inputs);
  const embedded = page === undefined ? {} : { onPublished: page.addPublished.bind(page) };
  const broker = needsBroker ? await openBrokerOf(inputs.boards, options, embedded) : undefined;
  output.hide(broker?.secrets ?? []);
  const failure = new AbortController();
  let fleet: Fleet | undefined;
  let flashFile: FlashFile | undefined;
  let stopLine: (() => void) | undefined;
  let end: RunEnd;
  try {
    flashFile = await keepFlash(inputs, output, (error) => failure.abort(error));
    fleet = await startFleet(inputs, { devices, broker, serial, page, subscribeQos: subscribeQosOf(options) }, output);
    const { connections } = fleet;
    stopLine = showFleet(() => connections.map(({ device }) => device), output);
    end = await untilEnd(fleet, options, AbortSignal.any([output.world.signal, failure.signal]));
  } finally {
    stopLine?.();
    await fleet?.stop();
    flashFile?.close();
    await broker?.close();
  }
  failure.signal.throwIfAborted();
  const devicesAtEnd = fleet.connections.map(({ device }) => device);
  if (page !== undefined && options.html !== undefined) {
    await page.write(options.html, aboutRun({ end, devices: devicesAtEnd, broker, inputs }));
  }
  if (end === "timeout" && broker !== undefined && !fleet.wasReached()) throw unreachable(broker, fleet.lastError());
  const summaries = devicesAtEnd.map((device) => device.summary());
  output.printJson({ idf: inputs.idf.report, devices: summaries });
  for (const line of deviceTable(summaries)) output.print(line);
  if (end === "timeout") output.warn(`not every device has finished an update after ${options.timeout} s`);
  if (end === "interrupted") return 130;
  return end === "settled" ? 0 : 1;
}

/** Starts to keep the flash of the single device in its file, if there is one. */
async function keepFlash(
  { boards: [board], flashFile }: DeviceInputs,
  output: CommandOutput,
  onFailure: (error: OtaError) => void,
): Promise<FlashFile | undefined> {
  if (flashFile === undefined || board === undefined) return undefined;
  const { path, isNew, unused } = flashFile;
  const state = isNew ? "is new" : "holds the device";
  const left = unused.length === 0 ? "" : `; ignored, because only a new flash uses them: ${unused.join(", ")}`;
  output.note(`the flash in ${path} ${state}${left}`);
  return FlashFile.keep(board.hardware.flash, path, isNew, onFailure);
}

interface Fleet {
  readonly connections: readonly DeviceConnection[];
  /** Returns whether any device was ever connected. */
  wasReached(): boolean;
  lastError(): Error | undefined;
  stop(): Promise<void>;
}

interface FleetParts {
  readonly devices: readonly SimulatedDevice[];
  readonly broker: ChosenBroker | undefined;
  readonly serial: SerialAddress | undefined;
  readonly page: RunPage | undefined;
  readonly subscribeQos: 0 | 1;
}

async function startFleet(
  inputs: DeviceInputs,
  { devices, broker, serial, page, subscribeQos }: FleetParts,
  output: CommandOutput,
): Promise<Fleet> {
  const { boards, faults } = inputs;
  const count = `${boards.length} ${boards.length === 1 ? "device" : "devices"}`;
  const place = broker === undefined ? "without a broker" : `on ${broker.display}`;
  output.note(`${count} ${place}, topic ${boards[0]?.provisioning?.topic ?? inputs.topic}`);
  output.note(trustOf(inputs));
  output.note(idfLine(inputs.idf.report));
  const turns = new ConnectionTurns(CONNECTIONS_AT_ONCE);
  // What one device has computed of an image need not be computed by the others.
  const cache = new ContentCache();
  for (const { hardware } of boards) hardware.flash.rememberIn(cache);
  let wasReached = false;
  let lastError: Error | undefined;
  const onConnectionError = (error: Error) => {
    const isNew = lastError?.message !== error.message;
    lastError = error;
    if (!isNew || wasReached) return;
    output.warn(`${broker?.display ?? "the broker"} can't be reached, trying again: ${error.message}`);
  };
  const running = await Promise.all(
    devices.map((device, index) => {
      const watch = page?.watch(device);
      const onLog = (entry: DeviceLogEntry) => {
        watch?.onLog(entry);
        report(entry, output);
      };
      const network = watch === undefined ? {} : { onNetwork: watch.onNetwork };
      const common = { turns, faults, agent: inputs.agent, subscribeQos, onLog, onConnectionError };
      const options = { ...common, seed: index + 1, ...network };
      return startDevice(device, broker?.url, serial, options, output);
    }),
  );
  for (const { connection } of running) {
    connection.watch(() => {
      wasReached ||= connection.isOnline;
    });
  }
  return {
    connections: running.map(({ connection }) => connection),
    wasReached: () => wasReached,
    lastError: () => lastError,
    stop: async () => {
      await Promise.all(running.map(({ stop }) => stop()));
    },
  };
}

interface RunningDevice {
  readonly connection: DeviceConnection;
  readonly stop: () => Promise<void>;
}

async function startDevice(
  device: SimulatedDevice,
  brokerUrl: string | undefined,
  serial: SerialAddress | undefined,
  options: DeviceConnectOptions & { readonly agent: AgentKind | undefined },
  output: CommandOutput,
): Promise<RunningDevice> {
  if (serial === undefined) {
    const connection = connectDevice(device, brokerUrl, options);
    return { connection, stop: () => connection.stop() };
  }
  const started = await startSerialDevice(device, brokerUrl, serial, {
    ...options,
    resetCircuit: serial.resetCircuit,
  });
  output.note(`the serial port of ${device.id}: esptool ${esptoolOptions(serial, started.port)}`);
  return started;
}

function subscribeQosOf({ subscribeQos }: RunOptions): 0 | 1 {
  return subscribeQos === "0" ? 0 : 1;
}

function resetCircuitFault(fault: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", `--reset-circuit ${fault}`, { option: "--reset-circuit" });
}

function refuseOnSerial({ boards, tableOffset }: DeviceInputs, { resetCircuit }: SerialAddress): void {
  if (tableOffset !== undefined) {
    const message = "--partition-table-offset can't be combined with --serial: the flash content can change";
    throw new OtaError("arguments/invalid", message, { option: "--partition-table-offset" });
  }
  const chip = boards[0]?.hardware.chip.name ?? "esp32";
  const fault =
    boards.length > 1
      ? `serves the port of one device, but there are ${boards.length}; run one command for each device`
      : `requires the ROM of the chip, and that of ${chip} is not simulated; those of ${ROM_CHIPS.join(", ")} are`;
  if (boards.length > 1 || romProfileOf(chip) === undefined) {
    throw new OtaError("arguments/invalid", `--serial ${fault}`, { option: "--serial" });
  }
  if (resetCircuit !== "usb-serial-jtag" || USB_SERIAL_JTAG_CHIPS.includes(chip)) return;
  throw resetCircuitFault(`usb-serial-jtag requires one of ${USB_SERIAL_JTAG_CHIPS.join(", ")}; the chip is ${chip}`);
}

/** Returns whether a device has a broker in its NVS. */
function hasProvisionedBroker({ boards }: DeviceInputs): boolean {
  return boards.some(({ provisioning }) => provisioning !== undefined);
}

function deviceOf(
  { id, hardware, provisioning }: NamedBoard,
  { topic, product, keySet, faults, agent, idf: { appBuild, bootloaderOptions } }: DeviceInputs,
  seed: number,
): SimulatedDevice {
  const common = { faults, seed, agent, appBuild, bootloaderOptions };
  if (provisioning !== undefined) return createProvisionedDevice(hardware, common);
  return createDevice({ id, topicRoot: topic, product, hardware, keySet, ...common });
}

/** Describes which offers the devices accept, as far as options and NVS decide. */
function trustOf({ boards, keySet, flashFile }: DeviceInputs): string {
  const provisioned = boards.flatMap(({ provisioning }) => provisioning ?? []);
  if (provisioned.length > 0) {
    const unsigned = provisioned.filter(({ key_set }) => key_set === undefined).length;
    if (unsigned === 0) return "the devices accept only signed offers, because their NVS has a key set";
    const which = unsigned === provisioned.length ? "the devices" : `${unsigned} devices`;
    return `${which} accept unsigned offers, because their NVS has no key set`;
  }
  if (keySet !== undefined) return `the devices are provisioned with key set ${keySet.document.epoch}`;
  if (flashFile?.isNew === false) return "the device accepts unsigned offers, unless its flash holds a key set";
  return "the devices accept unsigned offers, because they have no key set";
}

/** Waits until the devices have settled, the timeout, or the signal, whichever comes first. */
function untilEnd({ connections }: Fleet, options: RunOptions, signal: AbortSignal): Promise<RunEnd> {
  return new Promise((resolve) => {
    const unwatch: (() => void)[] = [];
    let timeout: NodeJS.Timeout | undefined;
    const end = (how: RunEnd) => {
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
    const pending = new Set(connections);
    for (const connection of connections) {
      unwatch.push(
        connection.watch(() => {
          if (isSettled(connection.device)) pending.delete(connection);
          else pending.add(connection);
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
      const rollback = entry.rolledBack ? "; the bootloader rolled back an unconfirmed image" : "";
      return `${device}  boots ${printable(entry.version)} from ${printable(entry.slot)} (start ${entry.bootCount})${rollback}`;
    }
    case "reset-loop":
      return `${device}  ${output.style("red", `does not boot: ${entry.reason}`)}`;
    case "unprovisioned":
      return `${device}  ${output.style("red", `can't read its provisioning data: ${printable(entry.message)}`)}`;
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
  return new OtaError("delivery/broker-unreachable", message, { host, port }, { cause });
}
