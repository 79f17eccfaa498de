/** What a delivery waits for: the pace of this publisher, acknowledgements of the broker, or the devices. */
export type DeliveryLimit = "rate" | "broker" | "devices";

/** Measures for how long which limit holds. */
export class LimitClock {
  readonly #ms = { rate: 0, broker: 0, devices: 0 };
  #limit: DeliveryLimit | undefined;
  #since = 0;

  /** Time for which each limit held, in milliseconds, until the last call of {@link LimitClock.set}. */
  get totals(): Readonly<Record<DeliveryLimit, number>> {
    return this.#ms;
  }

  /** Records which limit holds from now on; `undefined` if none does. */
  set(limit: DeliveryLimit | undefined, now: number): void {
    if (this.#limit !== undefined) this.#ms[this.#limit] += Math.max(0, now - this.#since);
    this.#limit = limit;
    this.#since = now;
  }
}
