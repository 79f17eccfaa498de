import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import type { NorFlash, WatchedOperation } from "../flash/nor-flash.ts";
import type { WorldEvent } from "../simulation/network-options.ts";

/** Records the lives of a device, from one power cut to the next. Times begin at 0 in each life. */
export interface LifeRecorder {
  /** Takes the device of a life that begins. */
  begin(device: SimulatedDevice): void;
  /** Takes an event of the network. */
  addNetwork(event: WorldEvent): void;
  /** Takes a flash operation before it is carried out. */
  addOperation(operation: WatchedOperation, nowMs: number): void;
  /** Takes the flash that a cut left. What the life does after it is of no concern. */
  cut(flash: NorFlash, text: string): void;
  /** Takes the log of a life at its end. */
  addLog(log: readonly DeviceLogEntry[]): void;
}
