import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceEvent, DeviceLogEntry } from "../device/device-events.ts";
import type { Link, Schedule } from "./link.ts";
import { VirtualTimers } from "./virtual-timers.ts";

/** The world as a device in it sees it. */
export interface DeviceSurroundings {
  readonly link: Link;
  readonly schedule: Schedule;
  /** Virtual time in milliseconds. */
  now(): number;
  /** From reset to the start of the app, and from there to the broker. */
  readonly bootMs: number;
  readonly connectMs: number;
  log(entry: DeviceLogEntry): void;
}

type DeviceTimer = Extract<DeviceEvent, { readonly type: "timer" }>["timer"];

type Happening = (now: number) => DeviceEvent;

/** Runs one device in virtual time: its flash takes the time it takes, and events wait for it meanwhile. */
export class DeviceInWorld {
  readonly device: SimulatedDevice;
  readonly #world: DeviceSurroundings;
  #inbox: Happening[] = [];
  #busyUntil = 0;
  /** What was scheduled before the last reset is void. */
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

  /** Gives power, or starts again after a reset. */
  boot(): void {
    this.#perform(() => this.device.boot(this.#world.now()));
    if (this.device.status !== "running") return;
    this.#connectAfter(this.#world.connectMs);
  }

  /** The broker or the network went away; the device comes back after `backMs`. */
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

  #receive(happening: Happening): void {
    this.#inbox.push(happening);
    this.#drain();
  }

  /** Handles what waits, one at a time, as long as the flash isn't busy. */
  #drain(): void {
    while (this.#inbox.length > 0) {
      const now = this.#world.now();
      if (now < this.#busyUntil) {
        if (this.#inbox.length === 1) this.#after(this.#busyUntil - now, () => this.#drain());
        return;
      }
      const happening = this.#inbox[0];
      if (happening === undefined) return;
      this.#inbox.shift();
      this.#perform(() => this.device.handle(happening(now)));
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
