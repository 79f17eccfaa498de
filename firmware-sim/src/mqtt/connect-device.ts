import { guardClient, ReconnectDelay } from "@tinybms/ota-broker/client";
import { connect, type MqttClient } from "mqtt";
import type { SimulatedDevice } from "../device/device.ts";
import type { DeviceAction, DeviceEvent } from "../device/device-events.ts";
import { LinkFaults } from "../fault/link-faults.ts";
import { createRandom } from "../random/random.ts";
import { loginOf, toBuffer, willOf } from "./client-options.ts";
import type { DeviceConnectOptions } from "./connect-options.ts";
import { DeviceTimers, now } from "./device-timers.ts";
import { joinWrites } from "./join-writes.ts";
import { watchNetwork } from "./watch-network.ts";
import { withinMs } from "./within-ms.ts";

/** Backoff between connections. */
const RECONNECT = { firstMs: 100, longestMs: 5_000 };
/** Maximum time that a reset waits for published messages to be acknowledged, in milliseconds. */
const FLUSH_MS_MAX = 2_000;
/** Time after which a device subscribes again to what the broker refused, in milliseconds. */
const SUBSCRIBE_AGAIN_MS = 5_000;
/** Maximum duration of each step of {@link DeviceConnection.stop}, in milliseconds: the user waits for it. */
const STOP_MS_MAX = 250;

/**
 * Powers a device on and runs it against a broker with mqtt.js in real time, one message at a time. Restarts it after
 * resets and power cuts and reconnects it until {@link DeviceConnection.stop}.
 *
 * @param brokerUrl - `mqtt://host:port`, or another URL that mqtt.js accepts. A provisioned device uses the broker, login
 *   and certificates in its flash instead. `undefined` leaves any other device without a network.
 */
export function connectDevice(
  device: SimulatedDevice,
  brokerUrl: string | undefined,
  options: DeviceConnectOptions = {},
): DeviceConnection {
  const connection = new DeviceConnection(device, brokerUrl, options);
  connection.powerOn();
  return connection;
}

/** A device that runs against a broker. */
export class DeviceConnection {
  readonly #brokerUrl: string | undefined;
  readonly #options: DeviceConnectOptions;
  #device: SimulatedDevice;
  #faults: LinkFaults;
  readonly #timers: DeviceTimers = new DeviceTimers((timer) => this.#handle({ type: "timer", now: now(), timer }));
  readonly #unacknowledged: Set<Promise<void>> = new Set();
  #client: MqttClient | undefined;
  #isOnline = false;
  /** Counts resets. What was started before the last one is canceled. */
  #life = 0;
  #restart: NodeJS.Timeout | undefined;
  #reset: Promise<void> = Promise.resolve();
  #renewal: Promise<void> = Promise.resolve();
  #isStopped = false;
  readonly #watchers: Set<() => void> = new Set();

  /** @param brokerUrl - As for {@link connectDevice}. */
  constructor(device: SimulatedDevice, brokerUrl: string | undefined, options: DeviceConnectOptions) {
    this.#brokerUrl = brokerUrl;
    this.#options = options;
    this.#device = device;
    this.#faults = faultsOf(device, options);
  }

  get device(): SimulatedDevice {
    return this.#device;
  }

  /** Replaces the device, which must be off, by the one that the board's flash now describes. */
  set device(device: SimulatedDevice) {
    this.#device = device;
    this.#faults = faultsOf(device, this.#options);
  }

  /** Whether the broker has accepted the connection. */
  get isOnline(): boolean {
    return this.#isOnline;
  }

  /** Powers the device on. */
  powerOn(): void {
    if (this.#isStopped) return;
    this.#perform(this.device.boot(now()));
    if (this.device.status === "running") this.#connect();
  }

  /** Cuts the power. The broker sees a broken connection. */
  cutPower(): void {
    this.device.cutPower();
    this.#endLife();
    this.#breakConnection();
  }

  /** Holds the device in reset. The broker sees a broken connection. */
  hold(): void {
    this.device.halt();
    this.#endLife();
    this.#breakConnection();
  }

  /** Calls `onChange` after each event in the life of the device. @returns A function that ends this. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  /** Publishes `online: false`, disconnects cleanly and ends. The device keeps its state. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    // In the middle of it no report could be published.
    await withinMs(this.#renewal, STOP_MS_MAX);
    this.#endLife();
    await withinMs(this.#reset, STOP_MS_MAX);
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    const { will } = this.device;
    if (this.#isOnline && will !== undefined) {
      await withinMs(client.publishAsync(will.topic, toBuffer(will.payload), { qos: 1, retain: true }), STOP_MS_MAX);
    }
    this.#goOffline();
    await withinMs(client.endAsync(), STOP_MS_MAX);
    client.stream.destroy();
  }

  #connect(): void {
    const { turns } = this.#options;
    const life = this.#life;
    if (turns === undefined) this.#open(() => undefined);
    else turns.take((end) => (this.#life === life && !this.#isStopped ? this.#open(end) : end()));
  }

  /** @param onSettled - Called when the first attempt succeeded or failed; perhaps again later. */
  #open(onSettled: () => void): void {
    const { provisioning } = this.device;
    const url = provisioning?.broker ?? this.#brokerUrl;
    if (url === undefined) return onSettled();
    const client = connect(url, {
      ...loginOf(provisioning),
      clientId: `tinybms-${this.device.id}`,
      clean: true,
      resubscribe: false,
      reconnectPeriod: RECONNECT.firstMs,
      connectTimeout: 10_000,
      // Without it, mqtt.js formats a line for each packet, which nobody reads.
      log: () => undefined,
      // A broker that refuses now may accept later. Without this, mqtt.js does not try again.
      reconnectOnConnackError: true,
      ...willOf(this.device),
    });
    const filter = guardClient(client);
    joinWrites(client);
    for (const event of ["connect", "close", "error", "end"] as const) client.once(event, onSettled);
    const delay = new ReconnectDelay(RECONNECT);
    this.#client = client;
    const life = this.#life;
    const ifAlive = (action: () => void) => {
      if (this.#life === life && this.#client === client) action();
    };
    watchNetwork(client, (status) => ifAlive(() => this.#handle({ type: "network", now: now(), status })));
    client.on("connect", () =>
      ifAlive(() => {
        delay.connected(performance.now());
        this.#isOnline = true;
        this.#options.onNetwork?.({ type: "connect", now: now() });
        this.#handle({ type: "connected", now: now() });
      }),
    );
    client.on("packetreceive", ({ cmd }) => {
      if (cmd !== "connack") delay.worked();
    });
    client.on("message", (topic, payload, { retain }) => {
      if (filter.admits(topic, payload)) ifAlive(() => this.#receive(topic, payload, retain));
    });
    // Must run before the listener in which mqtt.js sets its timer.
    client.prependListener("close", () => {
      client.options.reconnectPeriod = delay.lost(performance.now()).waitMs;
    });
    client.on("error", (error) => this.#options.onConnectionError?.(error));
    client.on("close", () =>
      ifAlive(() => {
        if (!this.#isOnline) return;
        this.#goOffline();
        this.#handle({ type: "disconnected", now: now() });
        Object.assign(client.options, willOf(this.device));
      }),
    );
  }

  /**
   * Reconnects after the reports are acknowledged. The DISCONNECT before makes the broker discard the connection's old
   * will.
   */
  async #renewWill(): Promise<void> {
    const client = this.#client;
    if (client === undefined) return;
    const life = this.#life;
    const isOver = (): boolean => this.#life !== life || this.#client !== client;
    await withinMs(Promise.all(this.#unacknowledged), FLUSH_MS_MAX);
    if (isOver()) return;
    await withinMs(client.endAsync(), FLUSH_MS_MAX);
    if (isOver()) return;
    // If the connection broke before an acknowledgement, mqtt.js waits for it, and neither ends nor connects again.
    if (!client.disconnected) return this.#replaceConnection();
    const connected = new Promise<void>((resolve) => {
      client.once("connect", () => resolve());
    });
    client.reconnect();
    await connected;
  }

  #replaceConnection(): void {
    const wasOnline = this.#isOnline;
    this.#breakConnection();
    if (wasOnline) this.#handle({ type: "disconnected", now: now() });
    this.#connect();
  }

  #receive(topic: string, payload: Uint8Array, retained: boolean): void {
    this.#passOn({ topic, payload }, () => {
      this.#options.onNetwork?.({ type: "deliver", now: now(), topic, payload });
      this.#handle({ type: "message", now: now(), topic, payload, retained });
    });
  }

  /** Carries out what a message causes as often and as late as the faults of the network say. */
  #passOn({ topic, payload }: { readonly topic: string; readonly payload: Uint8Array }, action: () => void): void {
    const delays = this.#faults.deliveryDelays(topic);
    if (delays.length === 0) this.#options.onNetwork?.({ type: "lose", now: now(), topic, payload });
    for (const lateMs of delays) this.#timers.delay(lateMs, action);
  }

  #goOffline(): void {
    if (this.#isOnline) this.#options.onNetwork?.({ type: "end", now: now() });
    this.#isOnline = false;
  }

  #handle(event: DeviceEvent): void {
    this.#perform(this.device.handle(event));
  }

  #perform(actions: readonly DeviceAction[]): void {
    for (const action of actions) {
      switch (action.type) {
        case "publish":
          this.#passOn(action, () => this.#publish(action));
          break;
        case "subscribe":
          this.#subscribe(action.topic);
          break;
        case "unsubscribe":
          this.#client?.unsubscribe(action.topic);
          break;
        case "set-timer":
          this.#timers.set(action.timer, action.at);
          break;
        case "clear-timer":
          this.#timers.clear(action.timer);
          break;
        case "renew-will":
          this.#renewal = this.#renewWill();
          break;
        case "log":
          this.#options.onLog?.(action.entry);
          break;
        case "reset":
          this.#endLife();
          this.#reset = this.#disconnectForReset(action.flush);
          break;
        case "power-lost":
          this.#endLife();
          this.#breakConnection();
          this.#bootAfter(action.powerOnAfterMs, "power-cut");
          break;
      }
    }
    for (const onChange of this.#watchers) onChange();
  }

  /** Subscribes, and again while the broker refuses: a cluster does so while it elects a leader. */
  #subscribe(topic: string): void {
    const client = this.#client;
    client?.subscribe(topic, { qos: this.#options.subscribeQos ?? 1 }, (error, granted) => {
      const isRefused = error !== null || granted?.some(({ qos }) => qos >= 128) === true;
      if (!isRefused || this.#client !== client || !this.#isOnline) return;
      this.#timers.delay(SUBSCRIBE_AGAIN_MS, () => this.#client === client && this.#subscribe(topic));
    });
  }

  #publish({ topic, payload, qos, retain }: Extract<DeviceAction, { readonly type: "publish" }>): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#options.onNetwork?.({ type: "publish", now: now(), topic, payload });
    // A connection lost before the acknowledgment needs no handling: the agent reports again on the next one.
    const acknowledged: Promise<void> = client.publishAsync(topic, toBuffer(payload), { qos, retain }).then(
      () => undefined,
      () => undefined,
    );
    this.#unacknowledged.add(acknowledged);
    void acknowledged.finally(() => this.#unacknowledged.delete(acknowledged));
  }

  async #disconnectForReset(flush: boolean): Promise<void> {
    const life = this.#life;
    if (flush) await withinMs(Promise.all(this.#unacknowledged), FLUSH_MS_MAX);
    if (flush && this.#client !== undefined) await withinMs(this.#client.endAsync(), FLUSH_MS_MAX);
    // The device may have been held and started again meanwhile.
    if (this.#life !== life) return;
    this.#breakConnection();
    this.#bootAfter(this.#options.bootMs ?? 100, "reset");
  }

  #bootAfter(delayMs: number, after: "reset" | "power-cut"): void {
    if (this.#isStopped) return;
    const { onRestart = () => this.powerOn() } = this.#options;
    this.#restart = setTimeout(() => onRestart(after), delayMs);
  }

  /** Cancels timers, delayed messages and a pending restart. */
  #endLife(): void {
    this.#life++;
    clearTimeout(this.#restart);
    this.#timers.cancelAll();
  }

  /** Breaks the connection as a power cut does: without DISCONNECT, so that the broker publishes the will. */
  #breakConnection(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#goOffline();
    if (client === undefined) return;
    client.stream.destroy();
    client.end(true);
  }
}

/** Returns the faults of the network between a device and its broker. */
function faultsOf(device: SimulatedDevice, { faults = [], seed = 1 }: DeviceConnectOptions): LinkFaults {
  return new LinkFaults(faults, device.id, device.topicRoot, createRandom(seed).fork());
}
