import { assert } from "../assert.ts";

/** The slowest that a pace gets by halving, in bytes a second. */
export const PACE_FLOOR = 4096;

/**
 * How fast chunks leave: a token bucket over bytes, whose rate follows what arrives (protocol page, "pace of broadcast").
 *
 * Time comes as an argument and may stand still; should it go back, nothing is refilled.
 */
export class Pace {
  /** The configured rate in bytes a second, never exceeded; 0: no limit. */
  readonly #limit: number;
  readonly #burstBytes: number;
  #rate: number;
  #tokens: number;
  #refilledAt = Number.NEGATIVE_INFINITY;

  /**
   * @param rate - Bytes a second; 0: no limit.
   * @param burstBytes - Bytes that may leave at once after a pause; at least one message.
   */
  constructor(rate: number, burstBytes: number) {
    assert(Number.isFinite(rate) && rate >= 0 && burstBytes > 0, "a pace has a rate, and lets something pass");
    this.#limit = rate;
    this.#burstBytes = burstBytes;
    this.#rate = rate;
    this.#tokens = burstBytes;
  }

  /** Bytes a second at the moment; 0: no limit. */
  get rate(): number {
    return this.#rate;
  }

  /**
   * When a message of `bytes` may leave, in milliseconds on the clock of `now`: `now` itself when it may at once.
   *
   * @param bytes - At most the burst.
   */
  readyAt(now: number, bytes: number): number {
    if (this.#limit === 0) return now;
    assert(bytes <= this.#burstBytes, "a message fits into the burst");
    this.#refill(now);
    if (this.#tokens >= bytes) return now;
    return now + Math.ceil(((bytes - this.#tokens) * 1000) / this.#rate);
  }

  /** Accounts for a message that leaves now. Only after {@link readyAt} said so. */
  spend(bytes: number): void {
    if (this.#limit !== 0) this.#tokens -= bytes;
  }

  /**
   * Halves the rate where devices lose what is sent, down to {@link PACE_FLOOR}; raises it by a tenth otherwise, up to
   * the configured one. A configured rate below the floor stays as it is.
   *
   * @param lossy - The median device lacks more than 5 % of the last round.
   */
  adapt(lossy: boolean): void {
    const wanted = lossy ? Math.max(PACE_FLOOR, this.#rate / 2) : this.#rate * 1.1;
    this.#rate = Math.min(this.#limit, wanted);
  }

  #refill(now: number): void {
    if (now <= this.#refilledAt) return;
    // The first time there is nothing to add up: the bucket starts full.
    if (this.#refilledAt !== Number.NEGATIVE_INFINITY) {
      const grown = this.#tokens + ((now - this.#refilledAt) * this.#rate) / 1000;
      this.#tokens = Math.min(this.#burstBytes, grown);
    }
    this.#refilledAt = now;
  }
}
