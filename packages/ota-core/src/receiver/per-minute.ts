const MINUTE_MS = 60_000;

/** So many of something within any minute. Times are those of the events. */
export class PerMinute {
  readonly #limit: number;
  /** When each of those within the last minute was, the oldest first. */
  #spent: number[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** When so many may be spent: `now`, or the time at which enough have come back. */
  availableAt(count: number, now: number): number {
    this.#spent = this.#spent.filter((at) => at + MINUTE_MS > now);
    const last = this.#spent[this.#spent.length + count - this.#limit - 1];
    return last === undefined ? now : last + MINUTE_MS;
  }

  /** Spends one. */
  spend(now: number): void {
    this.#spent.push(now);
  }
}
