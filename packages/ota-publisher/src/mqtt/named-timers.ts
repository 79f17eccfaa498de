/** Longest delay of `setTimeout`, in milliseconds. */
const TIMEOUT_MAX = 2 ** 31 - 1;

/**
 * Timers of a state machine, on the clock of `performance.now()`. A timer never fires before its time.
 *
 * @typeParam Name - Names of its timers.
 */
export class NamedTimers<Name extends string> {
  readonly #onFire: (timer: Name) => void;
  readonly #timeouts = new Map<Name, NodeJS.Timeout>();

  constructor(onFire: (timer: Name) => void) {
    this.#onFire = onFire;
  }

  /** Sets or replaces a timer, for a time of `performance.now()`. */
  set(timer: Name, at: number): void {
    this.clear(timer);
    const delayMs = Math.min(Math.max(0, Math.ceil(at - performance.now())), TIMEOUT_MAX);
    const fire = (): void => {
      // Timeouts count whole milliseconds since the event loop woke up, so they can fire slightly early.
      if (performance.now() < at) this.set(timer, at);
      else this.#onFire(timer);
    };
    this.#timeouts.set(timer, setTimeout(fire, delayMs));
  }

  clear(timer: Name): void {
    clearTimeout(this.#timeouts.get(timer));
    this.#timeouts.delete(timer);
  }

  clearAll(): void {
    for (const timer of [...this.#timeouts.keys()]) this.clear(timer);
  }
}
