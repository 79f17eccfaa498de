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

/** What goes onto a board: an app, or parts at fixed offsets. */
export type FlashContent =
  | { readonly type: "app"; readonly app: FlashImage; readonly options: AppFlashOptions }
  | { readonly type: "parts"; readonly parts: readonly FlashPart[]; readonly options: WholeFlashOptions };

/** How a board is reached. */
export interface ReachOptions {
  readonly baudRate: number;
  readonly reset?: readonly ResetStep[] | undefined;
  /** Where its partition table lies; 0x8000 without it. */
  readonly tableOffset?: number | undefined;
}

/** What is done with a board. */
export interface FlashJob {
  readonly content: FlashContent;
  readonly reach: ReachOptions;
  /** How long to wait for the app to say its version; 0: not at all. */
  readonly watchSeconds: number;
  /** Connect, look and plan, and write nothing. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** What goes on with a board. */
export type FlashStage = "connect" | "compare" | "write" | "verify" | "start" | "done" | "failed";

/** Where what happens to a board is told. */
export interface FlashWatch {
  /** `done` and `total` are bytes of the flash. */
  onStage(stage: FlashStage, done: number, total: number, plan?: FlashPlan): void;
  /** A sentence that the user should know. */
  onNote(text: string): void;
  /** What the board prints once it starts. */
  onLog(bytes: Uint8Array): void;
}

/** What a flash came to. */
export interface BoardRecord {
  readonly port: string;
  readonly outcome: "planned" | "flashed" | "failed";
  readonly board: Board | undefined;
  readonly plan: FlashPlan | undefined;
  /** Bytes of the flash that were written, and that were there already. */
  readonly written: number;
  readonly unchanged: number;
  /** Bytes that went over the cable. */
  readonly bytesSent: number;
  readonly baudRate: number | undefined;
  readonly durationMs: number;
  /** What the board said when it started; `undefined` where it was not watched. */
  readonly started: BootReport | undefined;
  readonly error: OtaError | undefined;
}
