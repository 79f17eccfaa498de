import type { ChipName } from "@tinybms/ota-core/esp";
import type { ResetCircuit } from "../rom/reset-circuit.ts";
import type { IdfOptions } from "./idf-option.ts";

/** Options of `run` that say what the devices are. */
export interface DeviceInputOptions extends IdfOptions {
  readonly topic?: string;
  readonly devices?: number;
  /** What names begin with. */
  readonly id?: string;
  readonly app?: string;
  /** App image that the generated app is to be updated to. */
  readonly before?: string;
  readonly chip?: ChipName;
  readonly partitionTable?: string;
  /** Flash address of the partition table in bytes. */
  readonly partitionTableOffset?: number;
  readonly bootloader?: string;
  /** NVS partitions: each is that of one device, and says who it is. */
  readonly nvs?: readonly string[];
  /** The key set that the devices are provisioned with. */
  readonly keySet?: string;
  readonly product?: string;
  /** Where the flash of the one device is kept. */
  readonly flash?: string;
  /** Where the serial port of the one device goes. */
  readonly serial?: string;
  /** How that port's control lines reach the chip. */
  readonly resetCircuit?: ResetCircuit;
  readonly fault?: readonly string[];
}
