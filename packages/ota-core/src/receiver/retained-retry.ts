import type { ReceiverAction } from "./receiver-events.ts";

/** Shortest time between two requests for what the broker retains, in milliseconds. */
const ASK_INTERVAL_MS = 60_000;

/**
 * Decides when a device subscribes again, so that the broker repeats the retained messages it could not verify in time.
 *
 * It subscribes at most once a minute, and only when every possible answer can be verified. A set time is not moved, so
 * a flood of messages can't postpone it.
 */
export class RetainedRetry {
  #isDue = false;
  #askedAt = Number.NEGATIVE_INFINITY;

  /** Records that the device subscribed, which makes the broker repeat retained messages. */
  asked(now: number): void {
    this.#askedAt = now;
  }

  /**
   * A message was dropped because the budget for verifications is used up.
   *
   * @param readyAt - When the budget for retained messages is back.
   */
  postpone(now: number, readyAt: number): ReceiverAction[] {
    return this.#isDue ? [] : [this.#setTimer(now, readyAt)];
  }

  /**
   * The timer `verify` fired.
   *
   * @returns The timer to set again, or `undefined` if the device should subscribe now.
   */
  timerFired(now: number, readyAt: number): ReceiverAction | undefined {
    this.#isDue = false;
    return readyAt > now ? this.#setTimer(now, readyAt) : undefined;
  }

  #setTimer(now: number, readyAt: number): ReceiverAction {
    this.#isDue = true;
    return { type: "set-timer", timer: "verify", at: Math.max(this.#askedAt + ASK_INTERVAL_MS, readyAt, now) };
  }
}
