import type { ScenarioOptions, SweepRun } from "./scenario.ts";

/** Which cuts to make. Plain data, so that it can go to another thread. */
export interface SweepOptions extends ScenarioOptions {
  /** The update, and the roll-back of an image that fails; both without it. */
  readonly runs?: readonly SweepRun[];
  /** A cut in every so many operations; 1, each, without it. */
  readonly every?: number;
  /**
   * All that a cut can leave; or one variant by the seed at each operation; or only what reads right at first and wrong
   * later, where the seed decides when. All without it.
   */
  readonly variants?: "all" | "one" | "weak";
  /** Of the single cuts, as many as this, spread evenly; all without it. */
  readonly points?: number;
  /** Every so many-th cut is followed to the end of the update; 10 without it. All are started and checked. */
  readonly recoverEvery?: number;
  /** Pairs of cuts, the second in the recovery from the first: all, or about so many; none without it. */
  readonly pairs?: "all" | number;
  /** Sectors of the slot that are worn out, one at a time, in each of five ways: as many as this; none without it. */
  readonly wornSectors?: number;
}

/** A part of a sweep that one thread does in one go. Operations are numbered from 1. */
export interface SweepJob {
  readonly kind: "cuts" | "pairs" | "worn";
  readonly run: SweepRun;
  /** The first operation, or worn sector. */
  readonly from: number;
  /** The one after the last. */
  readonly to: number;
  /** How many cuts are before the first one of this job, and how many there are in the whole run. */
  readonly cutsBefore: number;
  readonly cutsTotal: number;
}
