import type { OtaError } from "@tinybms/ota-core";
import type {
  AppFlashOptions,
  Board,
  BootReport,
  FlashImage,
  FlashPart,
  FlashPlan,
  ResetStep,
  WholeFlashOptions,
} from "@tinybms/ota-serial";

/** Content for a board: an app, or parts at fixed offsets. */
export type FlashContent =
  | { readonly type: "app"; readonly app: FlashImage; readonly options: AppFlashOptions }
  | { readonly type: "parts"; readonly parts: readonly FlashPart[]; readonly options: WholeFlashOptions };

/** Connection options for a board. */
export interface ReachOptions {
  readonly baudRate: number;
  readonly reset?: readonly ResetStep[] | undefined;
  /** Offset of the partition table. @defaultValue 0x8000 */
  readonly tableOffset?: number | undefined;
}

/** Job for a board. */
export interface FlashJob {
  readonly content: FlashContent;
  readonly reach: ReachOptions;
  /** How long to wait for the app to log its version, in seconds; 0 does not wait. */
  readonly watchSeconds: number;
  /** Connects and plans without writing. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** Stage of flashing. */
export type FlashStage = "connect" | "compare" | "write" | "verify" | "start" | "done" | "failed";

/** Receives the events of flashing one board. */
export interface FlashWatch {
  /** Called with the progress of a stage. `done` and `total` are bytes of flash. */
  onStage(stage: FlashStage, done: number, total: number, plan?: FlashPlan): void;
  /** Called with a sentence for the user. */
  onNote(text: string): void;
  /** Called with the output of the board when it starts. */
  onLog(bytes: Uint8Array): void;
}

/** Record of flashing one board. */
export interface BoardRecord {
  readonly port: string;
  readonly outcome: "planned" | "flashed" | "failed";
  readonly board: Board | undefined;
  readonly plan: FlashPlan | undefined;
  /** Bytes of flash that were written. */
  readonly written: number;
  /** Bytes of flash that were already correct. */
  readonly unchanged: number;
  /** Bytes sent over the cable. */
  readonly bytesSent: number;
  readonly baudRate: number | undefined;
  readonly durationMs: number;
  /** Report of the board's start; `undefined` if the start was not watched. */
  readonly started: BootReport | undefined;
  readonly error: OtaError | undefined;
}
