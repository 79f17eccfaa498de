import { assert } from "../assert.ts";

/** Minimum pace after halving, in bytes per second. */
export const PACE_FLOOR = 4096;

/**
 * Pace of chunks: a token bucket over bytes, whose rate follows what arrives.
 *
 * Time comes as an argument and may stand still. If it goes back, nothing is refilled.
 *
 * @see docs/protocol.md, "Budgets and values".
 */
export class Pace {
  /** Configured rate in bytes per second, which is never exceeded; infinite means no limit. */
  readonly #limit: number;
  readonly #burstBytes: number;
  readonly #slowBurstBytes: number;
  #rate: number;
  /** Rate from which the configured one is taken again. */
  #restoreAt: number;
  #tokens: number;
  #refilledAt = Number.NEGATIVE_INFINITY;

  /**
   * @param rate - Bytes per second; 0 means no limit.
   * @param burstBytes - Number of bytes that may leave at once after a pause, at least one message.
   * @param slowBurstBytes - The same while the rate is below the configured one.
   */
  constructor(rate: number, burstBytes: number, slowBurstBytes: number = burstBytes) {
    assert(Number.isFinite(rate) && rate >= 0 && slowBurstBytes > 0, "a pace has a rate, and lets something pass");
    this.#limit = rate === 0 ? Number.POSITIVE_INFINITY : rate;
    this.#burstBytes = burstBytes;
    this.#slowBurstBytes = slowBurstBytes;
    this.#rate = this.#limit;
    this.#restoreAt = this.#limit;
    this.#tokens = burstBytes;
  }

  /** Current pace in bytes per second; 0 means no limit. */
  get rate(): number {
    return Number.isFinite(this.#rate) ? this.#rate : 0;
  }

  /** `true` while the rate is below the configured one. */
  get isSlowed(): boolean {
    return this.#rate < this.#limit;
  }

  /**
   * Returns when a message may leave, in milliseconds on the clock of `now`; `now` if it may leave at once.
   *
   * @param bytes - Size of the message, at most the burst.
   */
  readyAt(now: number, bytes: number): number {
    if (!Number.isFinite(this.#rate)) return now;
    assert(bytes <= this.#slowBurstBytes, "a message fits into the burst");
    this.#refill(now);
    if (this.#tokens >= bytes) return now;
    return now + Math.ceil(((bytes - this.#tokens) * 1000) / this.#rate);
  }

  /** Records a message that leaves now. Call it only after {@link Pace.readyAt} returned `now`. */
  spend(bytes: number): void {
    if (Number.isFinite(this.#rate)) this.#tokens -= bytes;
  }

  /**
   * Halves the rate after a round that devices lost, down to {@link PACE_FLOOR}. Doubles it after a clean round until it is
   * the configured one. A configured rate below the floor stays.
   *
   * @param isLossy - `true` if most devices lost a part of the last round.
   * @param reachedRate - Bytes per second that reached devices in that round: without a limit, the rate to begin with.
   */
  adapt(isLossy: boolean, reachedRate: number): void {
    if (isLossy) {
      const from = Number.isFinite(this.#rate) ? this.#rate : Math.max(reachedRate, PACE_FLOOR);
      if (!this.isSlowed && !Number.isFinite(this.#limit)) this.#restoreAt = from;
      this.#rate = Math.min(this.#limit, Math.max(PACE_FLOOR, from / 2));
      this.#tokens = Math.min(this.#tokens, this.#slowBurstBytes);
    } else if (this.isSlowed) {
      this.#rate = this.#rate * 2 >= this.#restoreAt ? this.#limit : this.#rate * 2;
    }
  }

  #refill(now: number): void {
    if (now <= this.#refilledAt) return;
    // The bucket starts full, so the first call adds nothing.
    if (this.#refilledAt !== Number.NEGATIVE_INFINITY) {
      const burst = this.isSlowed ? this.#slowBurstBytes : this.#burstBytes;
      const grown = this.#tokens + ((now - this.#refilledAt) * this.#rate) / 1000;
      this.#tokens = Math.min(burst, grown);
    }
    this.#refilledAt = now;
  }
}
