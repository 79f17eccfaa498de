/** Options of {@link ReconnectDelay}. All times are in milliseconds. */
export interface ReconnectDelayOptions {
  /** First delay; each later one is twice as long. */
  readonly firstMs: number;
  /** Maximum delay. */
  readonly longestMs: number;
}

/** Minimum duration of a connection that resets the delay, in milliseconds. */
const LASTING_MS = 10_000;

/**
 * Delays between the connections of one client. They double until a connection has lasted and received packets, so that a
 * client does not overload a broker that accepts and closes connections. The caller provides the time.
 */
export class ReconnectDelay {
  readonly #options: ReconnectDelayOptions;
  #nextMs: number;
  #connectedAt: number | undefined;
  #hasWorked = false;

  constructor(options: ReconnectDelayOptions) {
    this.#options = options;
    this.#nextMs = options.firstMs;
  }

  /** Records that the broker accepted a connection. */
  connected(now: number): void {
    this.#connectedAt = now;
    this.#hasWorked = false;
  }

  /** Records that the broker sent a packet other than CONNACK. */
  worked(): void {
    this.#hasWorked = true;
  }

  /**
   * Records that the connection was lost or an attempt failed.
   *
   * @returns Delay before the next attempt, in milliseconds, and whether the connection had lasted.
   */
  lost(now: number): { readonly waitMs: number; readonly hasLasted: boolean } {
    const hasLasted = this.#connectedAt !== undefined && this.#hasWorked && now - this.#connectedAt >= LASTING_MS;
    this.#connectedAt = undefined;
    if (hasLasted) this.#nextMs = this.#options.firstMs;
    const waitMs = this.#nextMs;
    this.#nextMs = Math.min(2 * waitMs, this.#options.longestMs);
    return { waitMs, hasLasted };
  }
}
