import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceLogEntry } from "../device/device-events.ts";
import type { Fault } from "../fault/fault.ts";
import { LinkFaults } from "../fault/link-faults.ts";
import { createRandom, type Random } from "../random/random.ts";
import { DeviceInWorld } from "./device-in-world.ts";
import { EventQueue } from "./event-queue.ts";
import { InMemoryBroker } from "./in-memory-broker.ts";
import { Link } from "./link.ts";
import {
  IDEAL_LINE,
  type LineOptions,
  type NetworkCounts,
  type NetworkEvent,
  type NetworkOptions,
  type WorldEvent,
  zeroNetworkCounts,
} from "./network-options.ts";
import { PublisherInWorld, type PublisherRun, type WorldPublisher } from "./publisher-in-world.ts";

/** What sets a device of a world apart from others. */
export interface DeviceTraits extends Partial<LineOptions> {
  /**
   * When the device is powered on, in milliseconds.
   *
   * @defaultValue 0
   */
  readonly joinsAtMs?: number | undefined;
  /**
   * Duration of its flash operations, relative to the typical one.
   *
   * @defaultValue 1
   */
  readonly flashFactor?: number | undefined;
}

/** Options of a {@link World}. */
export interface WorldOptions {
  /** Decides latencies and faults. The same seed with the same devices gives the same run. */
  readonly seed: number;
  /** Devices, switched off. {@link World} powers them on at time 0. */
  readonly devices: readonly SimulatedDevice[];
  /** Latencies, bandwidths, queues and keep-alive; by default a network without limits. */
  readonly network?: NetworkOptions | undefined;
  /** What sets single devices apart, by name. */
  readonly traits?: ReadonlyMap<string, DeviceTraits> | undefined;
  /** Faults of the network, each for the devices that it names. Faults of a device are among its own options. */
  readonly faults?: readonly Fault[];
  /**
   * Time from reset to the start of the app, in milliseconds.
   *
   * @defaultValue 300
   */
  readonly bootMs?: number;
  /**
   * UTC at virtual time 0, in milliseconds since 1970. Devices learn the time after each connection.
   *
   * @defaultValue devices never learn the time
   */
  readonly utcAtStart?: number | undefined;
  /** The broker; by default a correct one. */
  readonly broker?: InMemoryBroker;
  /** Called for each event of the network. */
  readonly observe?: ((event: WorldEvent) => void) | undefined;
}

const LATENCY_MS: readonly [number, number] = [1, 20];
const CONNECT_MS_MAX = 50;
/** Range of the time between two attempts to connect, in milliseconds. */
const RECONNECT_MS: readonly [number, number] = [100, 5_000];

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
  /** Counts of what happened in the network. */
  readonly counts: NetworkCounts = zeroNetworkCounts();
  readonly #network: NetworkOptions;
  readonly #observe: WorldOptions["observe"];
  readonly #linkFaults: LinkFaults[] = [];
  readonly #inWorld: ReadonlyMap<string, DeviceInWorld>;
  readonly #publishers: PublisherInWorld[] = [];
  readonly #queue: EventQueue<() => void> = new EventQueue();
  readonly #random: Random;
  #now = 0;

  constructor(options: WorldOptions) {
    const { seed, devices, faults = [], bootMs = 300, broker = new InMemoryBroker(), network = {} } = options;
    this.seed = seed;
    this.broker = broker;
    this.devices = devices;
    this.#network = network;
    this.#observe = options.observe;
    this.#random = createRandom(seed);
    this.#inWorld = new Map(
      devices.map((device) => {
        const random = this.#random.fork();
        const latencyMs = random.integer(...(network.latencyMs ?? LATENCY_MS));
        const connectMs = random.integer(1, CONNECT_MS_MAX);
        const linkFaults = new LinkFaults(faults, device.id, device.topicRoot, random);
        this.#linkFaults.push(linkFaults);
        const traits = options.traits?.get(device.id) ?? {};
        const line = { ...IDEAL_LINE, latencyMs, ...network.devices, ...traits };
        const inWorld = new DeviceInWorld(device, {
          link: this.#createLink(line, device.id, linkFaults),
          schedule: this.schedule,
          now: () => this.#now,
          bootMs,
          connectMs,
          reconnectMs: () => random.integer(...RECONNECT_MS),
          flashFactor: traits.flashFactor ?? 1,
          utc: () => (options.utcAtStart === undefined ? undefined : options.utcAtStart + this.#now),
          log: (entry) => this.log.push(entry),
        });
        inWorld.bootAfter(traits.joinsAtMs ?? 0);
        return [device.id, inWorld];
      }),
    );
  }

  /** Virtual time since the start, in milliseconds. */
  get now(): number {
    return this.#now;
  }

  /** Number of events that are scheduled. */
  get scheduled(): number {
    return this.#queue.size;
  }

  /**
   * Starts and connects a publisher.
   *
   * @returns An object with its outcome, once there is one.
   */
  addPublisher(publisher: WorldPublisher, topicRoot: string): PublisherRun {
    const latencyMs = this.#random.integer(...(this.#network.latencyMs ?? LATENCY_MS));
    const line = { ...IDEAL_LINE, latencyMs, ...this.#network.publishers };
    const link = this.#createLink(line, `publisher-${this.#publishers.length + 1}`);
    const host = new PublisherInWorld(publisher, topicRoot, link, this.schedule, () => this.#now);
    this.#publishers.push(host);
    this.schedule(0, () => host.start());
    return host;
  }

  /** Returns whether a device is connected, as far as it knows. */
  isConnected(device: string): boolean {
    return this.#inWorld.get(device)?.link.isConnected ?? false;
  }

  /** Breaks a device's connection. The device reconnects after `backMs` milliseconds. */
  dropConnection(device: string, backMs: number): void {
    this.#inWorld.get(device)?.dropConnection(backMs);
  }

  /** Cuts a device's power between two events. @param offMs - Time until it returns; `undefined` if it does not. */
  cutPower(device: string, offMs: number | undefined): void {
    this.#inWorld.get(device)?.cutPower(offMs);
  }

  /** Sends a running device into deep sleep. */
  sleep(device: string, durationMs: number): void {
    this.#inWorld.get(device)?.sleep(durationMs);
  }

  /** Cuts devices off the broker for some time, without breaking their connections. */
  partition(devices: readonly string[], durationMs: number): void {
    const links = devices.flatMap((device) => this.#inWorld.get(device)?.link ?? []);
    this.#freeze(links, durationMs);
  }

  /** Cuts the publishers off the broker for some time, without breaking their connections. */
  partitionPublishers(durationMs: number): void {
    this.#freeze(
      this.#publishers.map(({ link }) => link),
      durationMs,
    );
  }

  /**
   * Kills the broker, and starts it again.
   *
   * @param downMs - Time until it accepts connections, in milliseconds.
   * @param withStore - `false` if it loses its retained messages.
   */
  restartBroker(downMs: number, withStore: boolean): void {
    if (!this.broker.isUp) return;
    this.counts.brokerRestarts++;
    this.broker.stop();
    this.schedule(downMs, () => this.broker.start(withStore));
  }

  /** Ends the message faults. */
  stopMessageFaults(): void {
    for (const faults of this.#linkFaults) faults.stop();
  }

  /** Returns the number of events that wait for a device's flash. */
  waiting(device: string): number {
    return this.#inWorld.get(device)?.waiting ?? 0;
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

  #createLink(line: LineOptions, clientId: string, faults?: LinkFaults): Link {
    const { broker, schedule, counts } = this;
    const tell = this.#observe;
    const observe = tell && ((event: NetworkEvent) => tell({ ...event, now: this.#now, client: clientId }));
    return new Link({ broker, schedule, now: () => this.#now, line, counts, faults, observe, clientId });
  }

  #freeze(links: readonly Link[], durationMs: number): void {
    const frozen = links.filter((link) => !link.isFrozen);
    for (const link of frozen) link.freeze();
    this.schedule(durationMs, () => {
      for (const link of frozen) link.thaw();
    });
  }
}
