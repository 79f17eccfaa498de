import type { ChipName } from "@tinybms/ota-core/esp";
import type { ResetCircuit } from "../rom/reset-circuit.ts";
import type { AgentOption } from "./agent-option.ts";
import type { IdfOptions } from "./idf-option.ts";

/** Options of `run` that describe the devices. */
export interface DeviceInputOptions extends IdfOptions, AgentOption {
  readonly topic?: string;
  readonly devices?: number;
  /** Prefix of the device IDs. */
  readonly id?: string;
  readonly app?: string;
  /** App image whose chip and project the generated app gets. */
  readonly before?: string;
  readonly chip?: ChipName;
  readonly partitionTable?: string;
  /** Flash offset of the partition table, in bytes. */
  readonly partitionTableOffset?: number;
  readonly bootloader?: string;
  /** Files with the NVS partition of one device each, which holds its identity. */
  readonly nvs?: readonly string[];
  /** File with the key set that the devices are provisioned with. */
  readonly keySet?: string;
  readonly product?: string;
  /** File that keeps the flash of the single device. */
  readonly flash?: string;
  /** Address at which the serial port of the single device is served. */
  readonly serial?: string;
  /** Connection of that port's control lines to the chip. */
  readonly resetCircuit?: ResetCircuit;
  readonly fault?: readonly string[];
}
