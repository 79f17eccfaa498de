import type { ScenarioOptions, SweepRun } from "./scenario.ts";

/** Selection of cuts, as plain data that can be sent to another thread. */
export interface SweepOptions extends ScenarioOptions {
  /**
   * Kinds of update.
   *
   * @defaultValue both
   */
  readonly runs?: readonly SweepRun[] | undefined;
  /**
   * Cuts only every n-th operation.
   *
   * @defaultValue 1
   */
  readonly every?: number | undefined;
  /**
   * Tears to apply: all that a cut can cause, one per operation chosen by the seed, or only those that leave weak cells.
   *
   * @defaultValue `all`
   */
  readonly variants?: "all" | "one" | "weak" | undefined;
  /** Number of single cuts, spread evenly; without it all are made. */
  readonly points?: number | undefined;
  /**
   * Follows every n-th cut to the end of the update. All cuts are booted and checked.
   *
   * @defaultValue 10
   */
  readonly recoverEvery?: number | undefined;
  /**
   * Number of pairs of cuts, approximately; the second cut hits the recovery from the first.
   *
   * @defaultValue 0
   */
  readonly pairs?: "all" | number | undefined;
  /**
   * Number of sectors of the slot that are worn out, one at a time, in each of five ways.
   *
   * @defaultValue 0
   */
  readonly wornSectors?: number | undefined;
}

/** Part of a sweep for one thread. Operations are numbered from 1. */
export interface SweepJob {
  readonly kind: "cuts" | "pairs" | "worn";
  readonly run: SweepRun;
  /** First operation, or first worn sector. */
  readonly from: number;
  /** The one after the last. */
  readonly to: number;
  /** Number of cuts before this job, and in the whole run. */
  readonly cutsBefore: number;
  readonly cutsTotal: number;
}
