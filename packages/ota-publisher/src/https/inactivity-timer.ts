/** Calls back after a period without activity. */
export class InactivityTimer {
  readonly #onExpire: () => void;
  #delayMs: number;
  #timer: NodeJS.Timeout;

  /** @param delayMs - Longest inactivity, in milliseconds, at most 2³¹ − 1. */
  constructor(delayMs: number, onExpire: () => void) {
    this.#onExpire = onExpire;
    this.#delayMs = delayMs;
    this.#timer = setTimeout(onExpire, delayMs);
  }

  /** Returns the longest inactivity, in milliseconds. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** Restarts the timer after activity. */
  touch(): void {
    this.#timer.refresh();
  }

  /** Restarts the timer and extends it by `extraMs` milliseconds from now on. */
  extend(extraMs: number): void {
    clearTimeout(this.#timer);
    this.#delayMs = Math.min(2 ** 31 - 1, this.#delayMs + Math.ceil(extraMs));
    this.#timer = setTimeout(this.#onExpire, this.#delayMs);
  }

  /** Stops the timer. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
