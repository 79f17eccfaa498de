import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceEvent, DeviceLogEntry } from "../device/device-events.ts";
import type { Link, Schedule } from "./link.ts";
import { VirtualTimers } from "./virtual-timers.ts";

/** What a device needs from its world. */
export interface DeviceSurroundings {
  readonly link: Link;
  readonly schedule: Schedule;
  /** Returns the virtual time in milliseconds. */
  now(): number;
  /** Time from reset to the start of the app, and from there to the connection with the broker, in milliseconds. */
  readonly bootMs: number;
  readonly connectMs: number;
  log(entry: DeviceLogEntry): void;
}

type DeviceTimer = Extract<DeviceEvent, { readonly type: "timer" }>["timer"];

type EventFactory = (now: number) => DeviceEvent;

/** Runs one device in virtual time. Flash operations take time, and events wait until they are done. */
export class DeviceInWorld {
  readonly device: SimulatedDevice;
  readonly #world: DeviceSurroundings;
  #inbox: EventFactory[] = [];
  #busyUntil = 0;
  /** Counts resets. What was scheduled before the last one is canceled. */
  #life = 0;
  readonly #timers: VirtualTimers<DeviceTimer>;

  constructor(device: SimulatedDevice, world: DeviceSurroundings) {
    this.device = device;
    this.#world = world;
    this.#timers = new VirtualTimers(
      (delayMs, action) => this.#after(delayMs, action),
      () => world.now(),
      (timer) => this.#receive((now) => ({ type: "timer", now, timer })),
    );
  }

  /** Powers the device on, or starts it after a reset. */
  boot(): void {
    this.#perform(() => this.device.boot(this.#world.now()));
    if (this.device.status !== "running") return;
    this.#connectAfter(this.#world.connectMs);
  }

  /** Breaks the connection to the broker. The device reconnects after `backMs` milliseconds. */
  dropConnection(backMs: number): void {
    if (!this.#world.link.isConnected) return;
    this.#world.link.disconnect(false);
    this.#receive((now) => ({ type: "disconnected", now }));
    this.#connectAfter(backMs);
  }

  #connectAfter(delayMs: number): void {
    this.#after(delayMs, () => {
      this.#world.link.connect(this.device.will, ({ topic, payload, retained }) =>
        this.#receive((now) => ({ type: "message", now, topic, payload, retained })),
      );
      this.#receive((now) => ({ type: "connected", now }));
    });
  }

  #receive(createEvent: EventFactory): void {
    this.#inbox.push(createEvent);
    this.#drain();
  }

  /** Handles waiting events, one at a time, as long as the flash isn't busy. */
  #drain(): void {
    while (this.#inbox.length > 0) {
      const now = this.#world.now();
      if (now < this.#busyUntil) {
        if (this.#inbox.length === 1) this.#after(this.#busyUntil - now, () => this.#drain());
        return;
      }
      const createEvent = this.#inbox[0];
      if (createEvent === undefined) return;
      this.#inbox.shift();
      this.#perform(() => this.device.handle(createEvent(now)));
      if (this.#inbox.length > 0 && this.#world.now() < this.#busyUntil) {
        this.#after(this.#busyUntil - now, () => this.#drain());
        return;
      }
    }
  }

  #perform(step: () => ReturnType<SimulatedDevice["handle"]>): void {
    const { flash } = this.device.hardware;
    const before = flash.busyMs;
    const actions = step();
    this.#busyUntil = this.#world.now() + flash.busyMs - before;
    const { link } = this.#world;
    for (const action of actions) {
      switch (action.type) {
        case "publish":
          link.publish(action.topic, action.payload, action.retain);
          break;
        case "subscribe":
          link.subscribe(action.topic);
          break;
        case "unsubscribe":
          link.unsubscribe(action.topic);
          break;
        case "set-timer":
          this.#timers.set(action.timer, action.at);
          break;
        case "clear-timer":
          this.#timers.clear(action.timer);
          break;
        case "log":
          this.#world.log(action.entry);
          break;
        case "reset":
          this.#restart(this.#world.bootMs, action.flush);
          break;
        case "power-lost":
          this.#restart(action.powerOnAfterMs, false);
          break;
      }
    }
  }

  #restart(afterMs: number, clean: boolean): void {
    this.#life++;
    this.#inbox = [];
    this.#busyUntil = 0;
    this.#timers.clearAll();
    this.#world.link.disconnect(clean);
    this.#after(afterMs, () => this.boot());
  }

  #after(delayMs: number, action: () => void): void {
    const life = this.#life;
    this.#world.schedule(delayMs, () => {
      if (this.#life === life) action();
    });
  }
}
