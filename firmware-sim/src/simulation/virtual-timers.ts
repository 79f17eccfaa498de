import type { Schedule } from "./link.ts";

/** Timers of one state machine in virtual time, by name. */
export class VirtualTimers<Timer extends string> {
  readonly #schedule: Schedule;
  readonly #now: () => number;
  readonly #onTimer: (timer: Timer) => void;
  readonly #set: Map<Timer, number> = new Map();
  #count = 0;

  /** @param onTimer - Called when a timer fires that was neither set anew nor cleared. */
  constructor(schedule: Schedule, now: () => number, onTimer: (timer: Timer) => void) {
    this.#schedule = schedule;
    this.#now = now;
    this.#onTimer = onTimer;
  }

  /** @param at - When the timer fires, in milliseconds; now if that is in the past. */
  set(timer: Timer, at: number): void {
    const id = this.#count++;
    this.#set.set(timer, id);
    this.#schedule(Math.max(at - this.#now(), 0), () => {
      if (this.#set.get(timer) !== id) return;
      this.#set.delete(timer);
      this.#onTimer(timer);
    });
  }

  clear(timer: Timer): void {
    this.#set.delete(timer);
  }

  clearAll(): void {
    this.#set.clear();
  }
}
