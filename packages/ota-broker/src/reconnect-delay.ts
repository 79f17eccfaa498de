/** How long a client waits between connections. All times in milliseconds. */
export interface ReconnectDelayOptions {
  /** The first wait; each one after it is twice as long. */
  readonly firstMs: number;
  readonly longestMs: number;
}

/** How long a connection must have been up before the waits start anew, in milliseconds. */
const LASTING_MS = 10_000;

/**
 * Waits between the connections of one client, which double until a connection has lasted and done something: a broker
 * that accepts and closes is not asked again at once. Times are those of the caller.
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
   * @returns How long to wait before the next attempt, in milliseconds, and whether the connection had lasted.
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
