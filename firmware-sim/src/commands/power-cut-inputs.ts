import type { ChipName } from "@tinybms/ota-core/esp";
import type { AgentOption } from "./agent-option.ts";
import type { IdfOptions } from "./idf-option.ts";

/** Options of `tinybms-sim power-cut`. */
export interface PowerCutOptions extends IdfOptions, AgentOption {
  readonly app: string;
  readonly update: string;
  readonly version?: string;
  readonly partitionTable?: string;
  /** Flash offset of the partition table, in bytes. */
  readonly partitionTableOffset?: number;
  readonly chip?: ChipName;
  readonly bootloader?: string;
  readonly run: "update" | "rollback" | "both";
  readonly points: "all" | number;
  /** Number of pairs, approximately. The default depends on the size of the image. */
  readonly pairs?: "all" | number;
  readonly seed: number;
  readonly jobs: number;
  readonly output: string;
  readonly replay?: string;
  /** Path of a page to write, with `replay`. */
  readonly html?: string;
}
