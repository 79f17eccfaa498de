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
  /** Configured rate in bytes per second, which is never exceeded; 0 means no limit. */
  readonly #limit: number;
  readonly #burstBytes: number;
  #rate: number;
  #tokens: number;
  #refilledAt = Number.NEGATIVE_INFINITY;

  /**
   * @param rate - Bytes per second; 0 means no limit.
   * @param burstBytes - Number of bytes that may leave at once after a pause, at least one message.
   */
  constructor(rate: number, burstBytes: number) {
    assert(Number.isFinite(rate) && rate >= 0 && burstBytes > 0, "a pace has a rate, and lets something pass");
    this.#limit = rate;
    this.#burstBytes = burstBytes;
    this.#rate = rate;
    this.#tokens = burstBytes;
  }

  /** Current pace in bytes per second; 0 means no limit. */
  get rate(): number {
    return this.#rate;
  }

  /**
   * Returns when a message may leave, in milliseconds on the clock of `now`; `now` if it may leave at once.
   *
   * @param bytes - Size of the message, at most the burst.
   */
  readyAt(now: number, bytes: number): number {
    if (this.#limit === 0) return now;
    assert(bytes <= this.#burstBytes, "a message fits into the burst");
    this.#refill(now);
    if (this.#tokens >= bytes) return now;
    return now + Math.ceil(((bytes - this.#tokens) * 1000) / this.#rate);
  }

  /** Records a message that leaves now. Call it only after {@link Pace.readyAt} returned `now`. */
  spend(bytes: number): void {
    if (this.#limit !== 0) this.#tokens -= bytes;
  }

  /**
   * Halves the rate if devices lose what is sent, down to {@link PACE_FLOOR}. Otherwise raises it by a tenth, up to the
   * configured one. A configured rate below the floor stays.
   *
   * @param lossy - `true` if the median device lacks more than 5 % of the last round.
   */
  adapt(lossy: boolean): void {
    const wanted = lossy ? Math.max(PACE_FLOOR, this.#rate / 2) : this.#rate * 1.1;
    this.#rate = Math.min(this.#limit, wanted);
  }

  #refill(now: number): void {
    if (now <= this.#refilledAt) return;
    // The bucket starts full, so the first call adds nothing.
    if (this.#refilledAt !== Number.NEGATIVE_INFINITY) {
      const grown = this.#tokens + ((now - this.#refilledAt) * this.#rate) / 1000;
      this.#tokens = Math.min(this.#burstBytes, grown);
    }
    this.#refilledAt = now;
  }
}
