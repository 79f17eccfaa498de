import type { SenderAction, SenderTimer } from "./sender-events.ts";

/** The actions that one event of a sender leads to, the timers that are set, and the ids of what it publishes. */
export class SenderOutbox {
  readonly #timers = new Map<SenderTimer, number>();
  #nextId = 1;
  #actions: SenderAction[] = [];

  /** Returns the actions since the last call, in order. */
  take(): SenderAction[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  /** Adds an action. */
  push(action: SenderAction): void {
    this.#actions.push(action);
  }

  /** Adds a subscription to each topic. */
  subscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#actions.push({ type: "subscribe", topic });
  }

  /** Adds a publish at QoS 1 that the broker retains. Returns its id. */
  publishRetained(topic: string, payload: Uint8Array): number {
    const id = this.newId();
    this.#actions.push({ type: "publish", topic, payload, qos: 1, retain: true, id });
    return id;
  }

  /** Returns an id that no other action has. */
  newId(): number {
    return this.#nextId++;
  }

  /** Returns when a timer fires; `undefined` if it is not set. */
  timerAt(timer: SenderTimer): number | undefined {
    return this.#timers.get(timer);
  }

  /** Sets a timer, or moves it. */
  setTimer(timer: SenderTimer, at: number): void {
    this.#timers.set(timer, at);
    this.#actions.push({ type: "set-timer", timer, at });
  }

  /** Clears a timer if it is set. */
  clearTimer(timer: SenderTimer): void {
    if (this.#timers.delete(timer)) this.#actions.push({ type: "clear-timer", timer });
  }

  /** Clears every timer. */
  clearTimers(): void {
    for (const timer of [...this.#timers.keys()]) this.clearTimer(timer);
  }

  /**
   * Takes a timer that fired.
   *
   * @returns `false` if it is not due: it was cleared or moved meanwhile, or fired early, which sets it again.
   */
  takeTimer(timer: SenderTimer, now: number): boolean {
    const at = this.#timers.get(timer);
    if (at === undefined) return false;
    if (now < at) {
      this.setTimer(timer, at);
      return false;
    }
    return this.#timers.delete(timer);
  }
}
