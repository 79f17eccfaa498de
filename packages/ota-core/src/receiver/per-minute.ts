const MINUTE_MS = 60_000;

/** A limit on how many of something are spent within any minute. Times are those of the events. */
export class PerMinute {
  readonly #limit: number;
  /** When each of those within the last minute was, the oldest first. */
  #spent: number[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Returns how many may be spent at `now`. */
  left(now: number): number {
    this.#forget(now);
    return this.#limit - this.#spent.length;
  }

  /** Returns when `count` may be spent: `now`, or the time at which enough have come back. */
  availableAt(count: number, now: number): number {
    this.#forget(now);
    const last = this.#spent[this.#spent.length + count - this.#limit - 1];
    return last === undefined ? now : last + MINUTE_MS;
  }

  /** Spends one. */
  spend(now: number): void {
    this.#spent.push(now);
  }

  #forget(now: number): void {
    this.#spent = this.#spent.filter((at) => at + MINUTE_MS > now);
  }
}
