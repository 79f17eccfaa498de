import type { DeviceEvent } from "../device/device-events.ts";

/** Timer of a device's OTA agent. */
export type DeviceTimer = Extract<DeviceEvent, { readonly type: "timer" }>["timer"];

/** Timers and delayed actions of one device in real time. */
export class DeviceTimers {
  readonly #onTimer: (timer: DeviceTimer) => void;
  readonly #timers: Map<DeviceTimer, { at: number; readonly dueAt: number; readonly timeout: NodeJS.Timeout }> =
    new Map();
  readonly #delayed: Set<NodeJS.Timeout> = new Set();

  /** @param onTimer - Called when a timer fires. */
  constructor(onTimer: (timer: DeviceTimer) => void) {
    this.#onTimer = onTimer;
  }

  /** Sets or replaces a timer. @param at - Time of {@link now} at which it fires. */
  set(timer: DeviceTimer, at: number): void {
    const set = this.#timers.get(timer);
    // Each chunk postpones a timer. A timeout that is due earlier is kept and checks the time when it fires.
    if (set !== undefined && set.dueAt <= at) {
      set.at = at;
      return;
    }
    clearTimeout(set?.timeout);
    const fire = () => {
      const { at: wanted } = entry;
      this.#timers.delete(timer);
      if (now() < wanted) this.set(timer, wanted);
      else this.#onTimer(timer);
    };
    const entry = { at, dueAt: at, timeout: setTimeout(fire, Math.max(Math.ceil(at - now()), 0)) };
    this.#timers.set(timer, entry);
  }

  /** Clears a timer. */
  clear(timer: DeviceTimer): void {
    clearTimeout(this.#timers.get(timer)?.timeout);
    this.#timers.delete(timer);
  }

  /** Runs an action after a number of milliseconds; at once for 0. */
  delay(delayMs: number, action: () => void): void {
    if (delayMs === 0) return action();
    const timeout = setTimeout(() => {
      this.#delayed.delete(timeout);
      action();
    }, delayMs);
    this.#delayed.add(timeout);
  }

  /** Clears all timers and cancels all delayed actions. */
  cancelAll(): void {
    for (const { timeout } of this.#timers.values()) clearTimeout(timeout);
    for (const timeout of this.#delayed) clearTimeout(timeout);
    this.#timers.clear();
    this.#delayed.clear();
  }
}

/** Returns the time in milliseconds on a monotonic clock. */
export function now(): number {
  return Math.floor(performance.now());
}
