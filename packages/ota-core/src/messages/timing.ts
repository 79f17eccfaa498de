import { assert } from "../assert.ts";

/** Bytes of a chunk: one flash sector, so that one chunk costs one erase and programs at one place. */
export const CHUNK_SIZE = 4096;

/** Times of a device, in milliseconds. */
export interface ReceiverTiming {
  /** After the last useful chunk, how long to wait before asking again; as much again is added at random. */
  readonly retryMs: number;
  /** The longest wait between two requests, while nothing useful comes. */
  readonly retryMaxMs: number;
  /** Fruitless requests until the report says `stalled`. */
  readonly stalledAfter: number;
  /** Probation of a new image when the offer names none. */
  readonly probationMs: number;
  /** The shortest time between two progress reports. */
  readonly reportMs: number;
}

export const RECEIVER_TIMING: ReceiverTiming = {
  retryMs: 1_500,
  retryMaxMs: 60_000,
  stalledAfter: 5,
  probationMs: 60_000,
  reportMs: 1_000,
};

/** Times of a publisher, in milliseconds. */
export interface SenderTiming {
  /** How long requests are gathered before they are answered together. */
  readonly gatherMs: number;
  /** Silence after which a device counts as unreachable. */
  readonly unreachableMs: number;
  /** How long the broker may take to give back what it was told to retain. */
  readonly readBackMs: number;
}

export const SENDER_TIMING: SenderTiming = { gatherMs: 200, unreachableMs: 180_000, readBackMs: 10_000 };

/** The inequalities that a device's times must keep, whatever their values. */
export function assertReceiverTiming(timing: ReceiverTiming): void {
  assert(timing.retryMs > 0 && timing.retryMs <= timing.retryMaxMs, "a device's first wait is not its longest");
  assert(
    timing.retryMaxMs * 2 < SENDER_TIMING.unreachableMs,
    "a device asks again, twice, before a publisher gives it up",
  );
  assert(timing.probationMs > 0 && timing.reportMs >= 0, "times are not negative");
}

/** The inequalities that a publisher's times must keep, whatever their values. */
export function assertSenderTiming(timing: SenderTiming): void {
  assert(timing.gatherMs >= 0 && timing.readBackMs >= 0, "times are not negative");
  assert(timing.gatherMs < RECEIVER_TIMING.retryMs, "an answer leaves before the device asks again");
  assert(timing.unreachableMs > 2 * RECEIVER_TIMING.retryMaxMs, "silence is longer than a device's longest wait");
}
