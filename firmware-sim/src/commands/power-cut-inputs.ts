import type { ChipName } from "@tinybms/ota-core/esp";
import type { IdfOptions } from "./idf-option.ts";

/** The options of `tinybms-sim power-cut`. */
export interface PowerCutOptions extends IdfOptions {
  readonly app: string;
  readonly update: string;
  readonly version?: string;
  readonly partitionTable?: string;
  /** Flash address of the partition table in bytes. */
  readonly partitionTableOffset?: number;
  readonly chip?: ChipName;
  readonly bootloader?: string;
  readonly run: "update" | "rollback" | "both";
  readonly points: "all" | number;
  /** About so many by default, and all of a small image. */
  readonly pairs?: "all" | number;
  readonly seed: number;
  readonly jobs: number;
  readonly output: string;
  readonly replay?: string;
}
