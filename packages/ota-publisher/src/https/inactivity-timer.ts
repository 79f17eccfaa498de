/** Calls back once nothing has moved for a time. */
export class InactivityTimer {
  readonly #onExpire: () => void;
  #delayMs: number;
  #timer: NodeJS.Timeout;

  /** @param delayMs - At most 2³¹ − 1. */
  constructor(delayMs: number, onExpire: () => void) {
    this.#onExpire = onExpire;
    this.#delayMs = delayMs;
    this.#timer = setTimeout(onExpire, delayMs);
  }

  /** How long nothing may move, in milliseconds. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** Something moved. */
  touch(): void {
    this.#timer.refresh();
  }

  /** Something moved, and from now on it may take so much longer, in milliseconds. */
  extend(extraMs: number): void {
    clearTimeout(this.#timer);
    this.#delayMs = Math.min(2 ** 31 - 1, this.#delayMs + Math.ceil(extraMs));
    this.#timer = setTimeout(this.#onExpire, this.#delayMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
