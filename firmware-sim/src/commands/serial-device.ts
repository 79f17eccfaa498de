import { isOtaError } from "@tinybms/ota-core";
import type { AgentKind } from "../agent/agent-receiver.ts";
import { createProvisionedDevice } from "../device/create-device.ts";
import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import { OFF_MS } from "../fault/fault.ts";
import { DeviceConnection } from "../mqtt/connect-device.ts";
import type { DeviceConnectOptions } from "../mqtt/connect-options.ts";
import type { ResetCircuit } from "../rom/reset-circuit.ts";
import { ConnectedFirmware } from "../serial/connected-firmware.ts";
import { SerialCable } from "../serial/serial-cable.ts";
import { provisionedBoard } from "./provisioned-boards.ts";
import { openSerialPort, type SerialAddress } from "./serial-option.ts";

/** A running device whose serial port is served on the network. */
export interface SerialDevice {
  readonly connection: DeviceConnection;
  /** TCP port number. */
  readonly port: number;
  /** Stops the device and closes all connections. */
  stop(): Promise<void>;
}

/**
 * Runs a device that can be flashed over its serial port. The ROM starts the software in flash, and stops it for a host.
 * If a host changes ID or broker in NVS, the change takes effect at the next start.
 *
 * @param brokerUrl - URL of the broker; if `undefined` and NVS has none, the device has no network.
 * @throws {@link OtaError} `arguments/invalid` if the port can't be opened.
 */
export async function startSerialDevice(
  device: SimulatedDevice,
  brokerUrl: string | undefined,
  address: SerialAddress,
  options: DeviceConnectOptions & { readonly resetCircuit: ResetCircuit; readonly agent: AgentKind | undefined },
): Promise<SerialDevice> {
  const { faults = [], seed = 1, onLog, resetCircuit, agent } = options;
  const { hardware, id } = device;
  let powerOn: NodeJS.Timeout | undefined;
  const log = (entry: DeviceLogEntry) => {
    onLog?.(entry);
    firmware.follow(entry, cable);
  };
  const onRestart = (after: "reset" | "power-cut") => (after === "reset" ? cable.restartApp() : cable.powerOn());
  const connection = new DeviceConnection(device, brokerUrl, { ...options, onLog: log, onRestart });
  const firmware = new ConnectedFirmware(connection, () => {
    if (hasNewIdentity(connection.device))
      connection.device = createProvisionedDevice(hardware, { faults, seed, agent });
  });
  const onPowerLost = (message: string) => {
    onLog?.({ type: "power-cut", now: Math.floor(performance.now()), device: connection.device.id, message });
    powerOn = setTimeout(() => cable.powerOn(), connection.device.losePower());
  };
  const onUnplug = () => {
    powerOn = setTimeout(() => cable.plugIn(), OFF_MS);
  };
  const cable = new SerialCable({ hardware, firmware, id, resetCircuit, faults, seed, onPowerLost, onUnplug });
  try {
    const network = await openSerialPort(cable, address);
    const stop = async () => {
      await network.close();
      clearTimeout(powerOn);
      cable.stop();
      await connection.stop();
    };
    return { connection, port: network.port, stop };
  } catch (error) {
    cable.stop();
    throw error;
  }
}

/** Returns whether the flash now holds an identity that the device doesn't have yet. */
function hasNewIdentity({ hardware, provisioning, id }: SimulatedDevice): boolean {
  try {
    const found = provisionedBoard(hardware, "the flash", false);
    return found !== undefined && (provisioning === undefined || found.id !== id);
  } catch (error) {
    if (isOtaError(error)) return false;
    throw error;
  }
}
