import { assert } from "../assert.ts";

/** Size of a chunk in bytes: one flash sector, so that a chunk needs one erase. */
export const CHUNK_SIZE = 4096;

/** Longest probation of an image that has network and does not reach the broker, if the offer states none, in milliseconds. */
export const PROBATION_MAX_MS = 900_000;

/** Timing of a device, in milliseconds. */
export interface ReceiverTiming {
  /** Time from the last useful chunk to the next request. The device adds a random time of up to the same length. */
  readonly retryMs: number;
  /** Maximum time between two requests while no useful chunk arrives. */
  readonly retryMaxMs: number;
  /** Number of consecutive requests without a useful chunk after which the device reports `stalled`. */
  readonly stalledAfter: number;
  /** Probation of a new image if the offer states none. */
  readonly probationMs: number;
  /** Minimum time between two progress reports. */
  readonly reportMs: number;
}

/** Default timing of a device. */
export const RECEIVER_TIMING: ReceiverTiming = {
  retryMs: 1_500,
  retryMaxMs: 60_000,
  stalledAfter: 5,
  probationMs: 60_000,
  reportMs: 1_000,
};

/** Timing of a publisher, in milliseconds. */
export interface SenderTiming {
  /** Time for which the publisher collects requests before it answers them together. */
  readonly gatherMs: number;
  /** Time without a message after which a device is unreachable. */
  readonly unreachableMs: number;
  /** Time within which the broker must deliver a message that it retains. */
  readonly readBackMs: number;
}

/** Default timing of a publisher. */
export const SENDER_TIMING: SenderTiming = { gatherMs: 200, unreachableMs: 180_000, readBackMs: 10_000 };

/**
 * Checks the inequalities between a device's times.
 *
 * @throws Error if one does not hold.
 */
export function assertReceiverTiming(timing: ReceiverTiming): void {
  assert(timing.retryMs > 0 && timing.retryMs <= timing.retryMaxMs, "a device's first wait is not its longest");
  assert(
    timing.retryMaxMs * 2 < SENDER_TIMING.unreachableMs,
    "a device asks again, twice, before a publisher gives it up",
  );
  assert(timing.probationMs > 0 && timing.reportMs >= 0, "times are not negative");
}

/**
 * Checks the inequalities between a publisher's times.
 *
 * @throws Error if one does not hold.
 */
export function assertSenderTiming(timing: SenderTiming): void {
  assert(timing.gatherMs >= 0 && timing.readBackMs >= 0, "times are not negative");
  assert(timing.gatherMs < RECEIVER_TIMING.retryMs, "an answer leaves before the device asks again");
  assert(timing.unreachableMs > 2 * RECEIVER_TIMING.retryMaxMs, "silence is longer than a device's longest wait");
}
