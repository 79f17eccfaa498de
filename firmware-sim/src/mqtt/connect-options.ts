import type { DeviceLogEntry } from "../device/device-events.ts";
import type { Fault } from "../fault/fault.ts";
import type { ConnectionTurns } from "./connection-turns.ts";

/** Something that happened on the connection of a device to its broker. `now` is in milliseconds on a monotonic clock. */
export type DeviceNetworkEvent = { readonly now: number } & (
  | { readonly type: "connect" | "end" }
  /** The device publishes a message, it receives one, or a fault loses one of either direction. */
  | { readonly type: "publish" | "deliver" | "lose"; readonly topic: string; readonly payload: Uint8Array }
);

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
  /**
   * QoS of subscriptions. 0 is for brokers that can't serve a whole fleet at QoS 1. Messages are published at their own QoS.
   *
   * @defaultValue 1
   */
  readonly subscribeQos?: 0 | 1 | undefined;
  /** Limits how many devices connect at the same time. */
  readonly turns?: ConnectionTurns | undefined;
  /**
   * Called instead of `DeviceConnection.powerOn` after a reset or a power cut, if something runs before the
   * bootloader, such as a ROM on a serial port. It must call `powerOn` in the end.
   */
  readonly onRestart?: (after: "reset" | "power-cut") => void;
  /** Called for each event in the life of the device. */
  readonly onLog?: (entry: DeviceLogEntry) => void;
  /** Called for each connection that begins or ends, and each message. */
  readonly onNetwork?: (event: DeviceNetworkEvent) => void;
  /** Called when a connection to the broker fails. The device retries by itself. */
  readonly onConnectionError?: (error: Error) => void;
}
