import { isOtaError } from "@tinybms/ota-core";
import { createProvisionedDevice } from "../device/create-device.ts";
import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import { OFF_MS } from "../fault/fault.ts";
import { DeviceConnection, type DeviceConnectOptions } from "../mqtt/connect-device.ts";
import type { ResetCircuit } from "../rom/reset-circuit.ts";
import { ConnectedFirmware } from "../serial/connected-firmware.ts";
import { SerialCable } from "../serial/serial-cable.ts";
import { provisionedBoard } from "./provisioned-boards.ts";
import { openSerialPort, type SerialAddress } from "./serial-option.ts";

/** A device with its serial port on the network. */
export interface SerialDevice {
  readonly connection: DeviceConnection;
  /** Where its port is. */
  readonly port: number;
  /** Ends it, and whoever is connected. */
  stop(): Promise<void>;
}

/**
 * Runs a device that is flashed by its serial port: the ROM starts what is in flash, agent and all, and stops it for a
 * host. Whatever the flash then says of the device's name and broker holds from its next start.
 *
 * @param brokerUrl - `undefined`: unless its NVS names a broker, the device is without a network.
 * @throws OtaError `arguments/invalid` where the port can't be opened.
 */
export async function startSerialDevice(
  device: SimulatedDevice,
  brokerUrl: string | undefined,
  address: SerialAddress,
  options: DeviceConnectOptions & { readonly resetCircuit: ResetCircuit },
): Promise<SerialDevice> {
  const { faults = [], seed = 1, onLog, resetCircuit } = options;
  const { hardware, id } = device;
  let powerOn: NodeJS.Timeout | undefined;
  const log = (entry: DeviceLogEntry) => {
    onLog?.(entry);
    firmware.follow(entry, cable);
  };
  const onRestart = (after: "reset" | "power-cut") => (after === "reset" ? cable.restartApp() : cable.powerOn());
  const connection = new DeviceConnection(device, brokerUrl, { ...options, onLog: log, onRestart });
  const firmware = new ConnectedFirmware(connection, () => {
    const told = toldBySomebody(connection.device);
    if (told !== undefined) connection.device = createProvisionedDevice(hardware, { faults, seed });
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

/** Whom the flash says that the device is, where that is news to it. */
function toldBySomebody({ hardware, provisioning, id }: SimulatedDevice): string | undefined {
  try {
    const told = provisionedBoard(hardware, "the flash", false);
    return told === undefined || (provisioning !== undefined && told.id === id) ? undefined : told.id;
  } catch (error) {
    if (isOtaError(error)) return undefined;
    throw error;
  }
}
