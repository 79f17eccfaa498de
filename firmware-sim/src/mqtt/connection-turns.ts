/**
 * Limits how many devices connect at the same time: a connection and the retained messages after it cost broker and
 * simulator a burst of work, during which devices that are connected would miss their keep-alive.
 */
export class ConnectionTurns {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  /** @param limit - Number of turns at the same time. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Calls `start` when a turn is free.
   *
   * @param start - Gets a function that ends the turn; further calls of it have no effect.
   */
  take(start: (end: () => void) => void): void {
    if (this.#taken >= this.#limit) {
      this.#waiting.push(() => this.take(start));
      return;
    }
    this.#taken++;
    let hasEnded = false;
    start(() => {
      if (hasEnded) return;
      hasEnded = true;
      this.#taken--;
      this.#waiting.shift()?.();
    });
  }
}
