import type { DeviceLogEntry } from "../device/device-events.ts";
import type { Fault } from "../fault/fault.ts";
import type { ConnectionTurns } from "./connection-turns.ts";

/** Options of `connectDevice`. */
export interface DeviceConnectOptions {
  /** Faults of the network between device and broker. Those for other devices are ignored. */
  readonly faults?: readonly Fault[];
  /**
   * Decides which messages those faults hit.
   *
   * @defaultValue 1
   */
  readonly seed?: number;
  /**
   * Time from reset to the start of the app, in milliseconds.
   *
   * @defaultValue 100
   */
  readonly bootMs?: number;
  /** Limits how many devices connect at the same time. */
  readonly turns?: ConnectionTurns | undefined;
  /**
   * Called instead of `DeviceConnection.powerOn` after a reset or a power cut, if something runs before the
   * bootloader, such as a ROM on a serial port. It must call `powerOn` in the end.
   */
  readonly onRestart?: (after: "reset" | "power-cut") => void;
  /** Called for each event in the life of the device. */
  readonly onLog?: (entry: DeviceLogEntry) => void;
  /** Called when a connection to the broker fails. The device retries by itself. */
  readonly onConnectionError?: (error: Error) => void;
}
