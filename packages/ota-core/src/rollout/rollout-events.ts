import type { StateReport } from "../schemas/types.generated.ts";
import type { RolloutCounts, RolloutDevice } from "./rollout-devices.ts";
import type { RolloutOffer, RolloutRecord, RolloutRequest, RolloutStop } from "./rollout-record.ts";

/** Event of a rollout. `now` is in milliseconds on a clock that never goes back, `at` is UTC in milliseconds. */
export type RolloutEvent = { readonly now: number; readonly at: number } & (
  | { readonly type: "start" }
  /** Answers `make-offer`. */
  | { readonly type: "made"; readonly stage: number; readonly offer: RolloutOffer }
  /** The broker keeps the stage's offer: answers `publish`. */
  | { readonly type: "offered"; readonly stage: number }
  /** A report of a device. */
  | { readonly type: "report"; readonly report: StateReport }
  | { readonly type: "request"; readonly request: RolloutRequest }
  /** A later offer of somebody else took the place of the rollout's. */
  | { readonly type: "superseded" }
  /** The broker keeps the withdrawal: answers `withdraw`. */
  | { readonly type: "withdrawn" }
  | { readonly type: "timer" }
);

/** Action of a rollout. Carry actions out in order, each before the next. */
export type RolloutAction =
  /** Append a record to the journal, and make sure that it is on the disk. */
  | { readonly type: "record"; readonly record: RolloutRecord }
  /** Number and sign an offer for the devices of a stage. Answer with `made`; publish nothing yet. */
  | { readonly type: "make-offer"; readonly stage: number }
  /** Publish this offer in place of the former stage's, and answer devices. Answer with `offered`. */
  | { readonly type: "publish"; readonly stage: number; readonly offer: RolloutOffer }
  /** Publish an offer without a release to everybody whom the rollout offered one. Answer with `withdrawn`. */
  | { readonly type: "withdraw" }
  /** Set the only timer, in place of the former. */
  | { readonly type: "set-timer"; readonly at: number }
  | { readonly type: "clear-timer" }
  /** The rollout is over for this process; nothing follows. */
  | { readonly type: "done"; readonly outcome: RolloutOutcome };

/** How a rollout ended, or where it waits for somebody. */
export interface RolloutOutcome {
  readonly reason:
    | "complete"
    /** A stage is good, and the next one waits until somebody continues. */
    | "held"
    | RolloutStop;
  /** Index of the last stage that was offered. */
  readonly stage: number;
  readonly counts: RolloutCounts;
  /** Devices of the stages so far that were heard. */
  readonly devices: readonly RolloutDevice[];
  /** Devices of the stages so far that have not ended, heard or not: asleep, silent, or still at it. */
  readonly open: readonly string[];
}
