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
  /** Time to the next attempt to connect, in milliseconds. */
  reconnectMs(): number;
  /** Duration of a flash operation, relative to the typical one. */
  readonly flashFactor: number;
  /** Returns the time that the device learns over the network, in milliseconds since 1970; `undefined` in a network without a clock. */
  utc(): number | undefined;
  log(entry: DeviceLogEntry): void;
}

/** Time from the connection to the answer of a time server, in milliseconds. */
const SNTP_MS = 1_500;

type DeviceTimer = Extract<DeviceEvent, { readonly type: "timer" }>["timer"];

/** Something that happened to a device, to be handled once its flash isn't busy. */
interface InboxEntry {
  readonly createEvent: (now: number) => DeviceEvent;
  /** Called after the event is handled. */
  readonly handled?: (() => void) | undefined;
}

/** Runs one device in virtual time. Flash operations take time, and events wait until they are done. */
export class DeviceInWorld {
  readonly device: SimulatedDevice;
  readonly #world: DeviceSurroundings;
  #inbox: InboxEntry[] = [];
  #busyUntil = 0;
  /** Counts resets. What was scheduled before the last one is canceled. */
  #life = 0;
  readonly #timers: VirtualTimers<DeviceTimer>;
  #isUnreachable = false;
  /** What the device's software was last told of its connection. */
  #isToldConnected = false;

  constructor(device: SimulatedDevice, world: DeviceSurroundings) {
    this.device = device;
    this.#world = world;
    this.#timers = new VirtualTimers(
      (delayMs, action) => this.#after(delayMs, action),
      () => world.now(),
      (timer) => this.#receive({ createEvent: (now) => ({ type: "timer", now, timer }) }),
    );
  }

  /** Powers the device on after some time, unless something else does earlier. */
  bootAfter(delayMs: number): void {
    this.#after(delayMs, () => this.boot());
  }

  /** Powers the device on, or starts it after a reset. */
  boot(): void {
    this.#perform(() => this.device.boot(this.#world.now()));
    if (this.device.status !== "running") return;
    this.#connectAfter(this.#world.connectMs);
  }

  get link(): Link {
    return this.#world.link;
  }

  /** Number of events that wait for the flash. */
  get waiting(): number {
    return this.#inbox.length;
  }

  /** Breaks the connection to the broker. The device reconnects after `backMs` milliseconds. */
  dropConnection(backMs: number): void {
    if (!this.#world.link.isConnected) return;
    this.#world.link.disconnect(false);
    this.#lose(backMs);
  }

  /** Cuts the power between two events. @param offMs - Time until it returns; `undefined` if it does not. */
  cutPower(offMs: number | undefined): void {
    this.device.cutPower();
    this.#restart(offMs, "vanish");
  }

  /** Sends the device into deep sleep for some time. Its connection ends properly, and only flash survives. */
  sleep(durationMs: number): void {
    if (this.device.status !== "running") return;
    this.device.halt();
    this.#restart(durationMs, "clean");
  }

  #lose(backMs: number): void {
    this.#receive({ createEvent: (now) => ({ type: "disconnected", now }) });
    this.#connectAfter(backMs);
  }

  #connectAfter(delayMs: number): void {
    this.#after(delayMs, () => {
      const { link } = this.#world;
      if (link.isConnected) return;
      const life = this.#life;
      const isConnected = link.connect(this.device.will, {
        receive: ({ topic, payload, retained }, handled) =>
          this.#receive({ createEvent: (now) => ({ type: "message", now, topic, payload, retained }), handled }),
        ended: () => {
          if (this.#life === life) this.#lose(this.#world.reconnectMs());
        },
      });
      if (!isConnected) {
        this.#isUnreachable = true;
        const status = link.isFrozen ? "down" : "up";
        this.#receive({ createEvent: (now) => ({ type: "network", now, status }) });
        return this.#connectAfter(this.#world.reconnectMs());
      }
      if (this.#isUnreachable) this.#receive({ createEvent: (now) => ({ type: "network", now, status: "up" }) });
      this.#isUnreachable = false;
      this.#receive({ createEvent: (now) => ({ type: "connected", now }) });
      if (this.#world.utc() !== undefined) this.#after(SNTP_MS, () => this.#learnTime());
    });
  }

  #learnTime(): void {
    this.#receive({ createEvent: (now) => ({ type: "clock", now, utc: this.#world.utc() }) });
  }

  #receive(entry: InboxEntry): void {
    this.#inbox.push(entry);
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
      const [entry] = this.#inbox;
      if (entry === undefined) return;
      this.#inbox.shift();
      const event = entry.createEvent(now);
      if (event.type === "connected") this.#isToldConnected = true;
      if (event.type === "disconnected") this.#isToldConnected = false;
      this.#perform(() => this.device.handle(event));
      this.#acknowledge(entry, now);
      if (this.#inbox.length > 0 && this.#world.now() < this.#busyUntil) {
        this.#after(this.#busyUntil - now, () => this.#drain());
        return;
      }
    }
  }

  /** Reports that an event is handled, once the flash operations that it caused are done. */
  #acknowledge({ handled }: InboxEntry, now: number): void {
    if (handled === undefined) return;
    if (this.#busyUntil > now) this.#after(this.#busyUntil - now, handled);
    else handled();
  }

  #perform(step: () => ReturnType<SimulatedDevice["handle"]>): void {
    const { flash } = this.device.hardware;
    const before = flash.busyMs;
    const actions = step();
    this.#busyUntil = this.#world.now() + (flash.busyMs - before) * this.#world.flashFactor;
    const { link } = this.#world;
    for (const action of actions) {
      // What a device sends before it hears that its connection is gone is lost, and no mistake of its software.
      const isLost = this.#isToldConnected && !link.isConnected;
      switch (action.type) {
        case "publish":
          if (!isLost) link.publish(action.topic, action.payload, action.retain, action.qos);
          break;
        case "subscribe":
          if (!isLost) link.subscribe(action.topic);
          break;
        case "unsubscribe":
          if (!isLost) link.unsubscribe(action.topic);
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
          this.#restart(this.#world.bootMs, action.flush ? "clean" : "vanish");
          break;
        case "power-lost":
          this.#restart(action.powerOnAfterMs, "vanish");
          break;
      }
    }
  }

  #restart(afterMs: number | undefined, end: "clean" | "vanish"): void {
    this.#life++;
    this.#inbox = [];
    this.#busyUntil = 0;
    this.#isUnreachable = false;
    this.#isToldConnected = false;
    this.#timers.clearAll();
    if (end === "clean") this.#world.link.disconnect(true);
    else this.#world.link.vanish();
    if (afterMs !== undefined) this.#after(afterMs, () => this.boot());
  }

  #after(delayMs: number, action: () => void): void {
    const life = this.#life;
    this.#world.schedule(delayMs, () => {
      if (this.#life === life) action();
    });
  }
}
