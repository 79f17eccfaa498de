import { type DeliveryOutcome, parseTopic, type SenderAction, type SenderEvent } from "@tinybms/ota-core";
import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import type { Fault } from "../fault/fault.ts";
import { LinkFaults } from "../fault/link-faults.ts";
import { createRandom, type Random } from "../random/random.ts";
import { DeviceInWorld } from "./device-in-world.ts";
import { EventQueue } from "./event-queue.ts";
import { InMemoryBroker, type InMemoryMessage } from "./in-memory-broker.ts";
import { Link, type Schedule } from "./link.ts";
import { VirtualTimers } from "./virtual-timers.ts";

/** A publisher in the world: an `ImagePublisher`, or another object with the events and actions of a `Sender` without reads. */
export interface WorldPublisher {
  handle(event: SenderEvent): Exclude<SenderAction, { type: "read-chunk" }>[];
}

/** Options of a {@link World}. */
export interface WorldOptions {
  /** Decides latencies and faults. The same seed with the same devices gives the same run. */
  readonly seed: number;
  /** Devices, switched off. {@link World} powers them on at time 0. */
  readonly devices: readonly SimulatedDevice[];
  /** Faults of the network, each for the devices that it names. Faults of a device are among its own options. */
  readonly faults?: readonly Fault[];
  /**
   * Time from reset to the start of the app, in milliseconds.
   *
   * @defaultValue 300
   */
  readonly bootMs?: number;
  /** The broker; by default a correct one. */
  readonly broker?: InMemoryBroker;
}

const LATENCY_MS_MAX = 20;
const CONNECT_MS_MAX = 50;

/**
 * A deterministic world with a virtual clock, an in-memory broker, devices and publishers. It never waits for real time,
 * and the seed decides everything random.
 */
export class World {
  readonly seed: number;
  readonly broker: InMemoryBroker;
  /** Log of all devices, in order. */
  readonly log: DeviceLogEntry[] = [];
  readonly devices: readonly SimulatedDevice[];
  readonly #inWorld: readonly DeviceInWorld[];
  readonly #queue: EventQueue<() => void> = new EventQueue();
  readonly #random: Random;
  #now = 0;

  constructor(options: WorldOptions) {
    const { seed, devices, faults = [], bootMs = 300, broker = new InMemoryBroker() } = options;
    this.seed = seed;
    this.broker = broker;
    this.devices = devices;
    this.#random = createRandom(seed);
    this.#inWorld = devices.map((device) => {
      const random = this.#random.fork();
      const latencyMs = random.integer(1, LATENCY_MS_MAX);
      const connectMs = random.integer(1, CONNECT_MS_MAX);
      const linkFaults = new LinkFaults(faults, device.id, device.topicRoot, random);
      return new DeviceInWorld(device, {
        link: new Link(this.broker, this.schedule, latencyMs, linkFaults),
        schedule: this.schedule,
        now: () => this.#now,
        bootMs,
        connectMs,
        log: (entry) => this.log.push(entry),
      });
    });
    for (const device of this.#inWorld) this.schedule(0, () => device.boot());
  }

  /** Virtual time since the start, in milliseconds. */
  get now(): number {
    return this.#now;
  }

  /**
   * Starts and connects a publisher.
   *
   * @returns An object with its outcome, once there is one.
   */
  addPublisher(publisher: WorldPublisher, topicRoot: string): { readonly outcome: DeliveryOutcome | undefined } {
    const link = new Link(this.broker, this.schedule, this.#random.integer(1, LATENCY_MS_MAX));
    const host = new PublisherInWorld(publisher, topicRoot, link, this.schedule, () => this.#now);
    this.schedule(0, () => host.start());
    return host;
  }

  /** Breaks a device's connection. The device reconnects after `backMs` milliseconds. */
  dropConnection(device: string, backMs: number): void {
    this.#inWorld.find((candidate) => candidate.device.id === device)?.dropConnection(backMs);
  }

  /**
   * Advances virtual time until a condition holds.
   *
   * @param isDone - Checked after every event.
   * @param limitMs - Limit in milliseconds of virtual time.
   * @throws Error with the seed if the limit is reached or an event throws.
   */
  runUntil(isDone: (world: World) => boolean, limitMs: number): void {
    const end = this.#now + limitMs;
    while (!isDone(this)) {
      const { nextAt } = this.#queue;
      if (nextAt === undefined || nextAt > end) {
        const states = this.devices.map(({ id, status, state }) => `${id} ${status} ${state}`).join(", ");
        throw new Error(`world of seed ${this.seed}: not done at ${this.#now} ms of ${end} ms; ${states}`);
      }
      try {
        this.step();
      } catch (cause) {
        throw new Error(`world of seed ${this.seed}: failed at ${this.#now} ms: ${String(cause)}`, { cause });
      }
    }
  }

  /** Carries out the next event. @returns `false` if there is none. */
  step(): boolean {
    const next = this.#queue.take();
    if (next === undefined) return false;
    this.#now = Math.max(this.#now, next.at);
    next.event();
    return true;
  }

  /** Schedules an action after a number of milliseconds of virtual time. */
  readonly schedule = (delayMs: number, action: () => void): void => {
    this.#queue.add(this.#now + delayMs, action);
  };
}

type SenderTimer = Extract<SenderEvent, { readonly type: "timer" }>["timer"];

/** Runs one publisher in virtual time. */
class PublisherInWorld {
  outcome: DeliveryOutcome | undefined;
  readonly #publisher: WorldPublisher;
  readonly #topicRoot: string;
  readonly #link: Link;
  readonly #now: () => number;
  readonly #timers: VirtualTimers<SenderTimer>;

  constructor(publisher: WorldPublisher, topicRoot: string, link: Link, schedule: Schedule, now: () => number) {
    this.#publisher = publisher;
    this.#topicRoot = topicRoot;
    this.#link = link;
    this.#now = now;
    this.#timers = new VirtualTimers(schedule, now, (timer) => this.#handle({ type: "timer", now: now(), timer }));
  }

  start(): void {
    this.#handle({ type: "start", now: this.#now() });
    this.#link.connect(undefined, (message) => this.#receive(message));
    this.#handle({ type: "connected", now: this.#now() });
  }

  #receive({ topic, payload, retained }: InMemoryMessage): void {
    const parsed = parseTopic(this.#topicRoot, topic);
    const now = this.#now();
    if (parsed?.kind === "request") this.#handle({ type: "request", now, device: parsed.device, payload });
    else if (parsed?.kind === "state") this.#handle({ type: "state", now, device: parsed.device, payload, retained });
    else this.#handle({ type: "announcement", now, topic, payload, retained });
  }

  #handle(event: SenderEvent): void {
    for (const action of this.#publisher.handle(event)) {
      switch (action.type) {
        case "publish":
          this.#link.publish(action.topic, action.payload, action.retain, () =>
            this.#handle({ type: "drained", now: this.#now(), id: action.id }),
          );
          break;
        case "subscribe":
          this.#link.subscribe(action.topic);
          break;
        case "set-timer":
          this.#timers.set(action.timer, action.at);
          break;
        case "clear-timer":
          this.#timers.clear(action.timer);
          break;
        case "done":
          this.outcome = action.outcome;
          break;
        case "progress":
          break;
      }
    }
  }
}
