import type { OtaError } from "../errors.ts";
import type { ReceiverTiming } from "../messages/timing.ts";
import type { Topics } from "../messages/topics.ts";
import type { InstallConditions } from "./install-gate.ts";
import type { DropReason, ReceiverAction, ReceiverEvent } from "./receiver-events.ts";

/** Options of a `Download`. */
export interface DownloadOptions {
  readonly device: string;
  readonly topics: Topics;
  readonly timing: ReceiverTiming;
  /** Chunks that the device can buffer before it asks again; 0 means no limit. */
  readonly window: number;
  /** Project name of the running image. */
  readonly projectName: string;
  /** `true` after a clean reset. After any other, cells beside a gap may have been cut off in the middle of a write. */
  readonly trustsFlash: boolean;
  /** The target slot's otadata entry still says that an earlier image failed. */
  readonly isCondemned: boolean;
  /** Returns a number from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /** Returns the SHA-256 of a chunk; by default the platform's. */
  readonly sha256?: ((bytes: Uint8Array) => Uint8Array) | undefined;
}

/** An event that concerns a download. */
export type DownloadEvent =
  | Extract<ReceiverEvent, { type: "hashes" | "chunk" | "timer" | "flash-done" | "flash-failed" }>
  /** The download starts, or the broker accepted a new connection. */
  | { readonly type: "join" }
  /** Something changed that may hold a verified image back, or time has passed. */
  | { readonly type: "proceed"; readonly conditions: InstallConditions }
  /** The attempt is stored: set the image to boot. */
  | { readonly type: "switch" }
  /** The receiver gives the download up. */
  | { readonly type: "leave" };

/** How a download ended, or that its image is complete. */
export type DownloadEnd =
  /** The image in the slot passed every check. The download waits for the event `proceed`. */
  | { readonly type: "ready" }
  /** The image has to wait before it may be set to boot. */
  | { readonly type: "held" }
  /** The image may be set to boot. The download waits for the event `switch`. */
  | { readonly type: "allowed" }
  /** The image is set to boot. */
  | { readonly type: "switched" }
  | { readonly type: "failed"; readonly error: OtaError };

/** Result of `Download.handle`. Carry out `actions` first, then look at `end`. */
export interface DownloadStep {
  readonly actions: readonly ReceiverAction[];
  /** Why the message of this event was dropped. */
  readonly drop?: DropReason | undefined;
  /** A chunk was written to flash. */
  readonly isUseful: boolean;
  readonly end?: DownloadEnd | undefined;
}
