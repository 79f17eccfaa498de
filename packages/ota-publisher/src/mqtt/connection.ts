import { EventEmitter, once } from "node:events";
import type { ReconnectDelay } from "@tinybms/ota-broker/client";
import { OtaError } from "@tinybms/ota-core";
import type { MqttClient } from "mqtt";
import type { AnnouncedLimits } from "./announced-limits.ts";
import { type BrokerAddress, displayBroker } from "./broker-url.ts";
import { type Connected, type ConnectionOptions, connectUntil, reconnectDelay, waitFor } from "./connect.ts";
import { type BrokerDemands, finalReason, limitFault } from "./connection-fault.ts";
import { type BlobEnd, type BlobMessage, publishBlob } from "./publish-blob.ts";
import { type MqttVersion, packetSize } from "./publish-packet.ts";
import { type PublishEnd, Publishing } from "./publishing.ts";

/** What happens on a connection after it was first made. */
export interface ConnectionEvents {
  /** It is there again, as a new session: subscriptions have to be made anew. */
  connected: [];
  /** It was lost; what was under way is lost with it. Attempts to have it back begin by themselves. */
  disconnected: [];
  /** It was lost, and no attempt can have it back. */
  failed: [];
  message: [message: BrokerMessage];
}

/** A message that the broker delivered. */
export interface BrokerMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The broker had kept it for subscribers to come. */
  readonly retained: boolean;
}

/** How long the broker may take to close its side when the connection is closed, in milliseconds. */
const GOODBYE_MS = 500;

/**
 * Connects to a broker, with attempts that wait longer and longer in between.
 *
 * @returns A connection that is made anew whenever it is lost, until it is closed.
 * @throws {@link OtaError} `delivery/broker-unreachable` or `delivery/broker-refused` when the time is up, or no
 *   further attempt could end otherwise; the signal's reason when it is aborted.
 */
export async function connectBroker(address: BrokerAddress, options: ConnectionOptions): Promise<BrokerConnection> {
  const deadline = performance.now() + options.connectTimeoutMs;
  const delay = reconnectDelay();
  const connected = await connectUntil(address, options, deadline, options.signal, delay);
  return new BrokerConnection(address, options, connected, delay);
}

/** A clean session with a broker that survives the loss of its TCP connection, as a new session. */
export class BrokerConnection extends EventEmitter<ConnectionEvents> {
  readonly address: BrokerAddress;
  readonly #options: ConnectionOptions;
  readonly #closing = new AbortController();
  readonly #delay: ReconnectDelay;
  #client: MqttClient | undefined;
  /** MQTT 5 was spoken to hear why connections do not last, and the broker did not say. */
  #hasAsked = false;
  /** The most that was sent: what the broker must take. */
  #demands: BrokerDemands = { packetSize: 0, qos: 0, retain: false };
  #publishing: Publishing | undefined;
  /** Tells the events of one client no more. */
  #forsake: () => void = () => undefined;
  /** Why no connection will be had again. */
  #failure: OtaError | undefined;

  /** Use {@link connectBroker}. */
  constructor(address: BrokerAddress, options: ConnectionOptions, connected: Connected, delay: ReconnectDelay) {
    super();
    this.address = address;
    this.#options = options;
    this.#delay = delay;
    this.#adopt(connected);
  }

  /** Whether the connection stands now. */
  get connected(): boolean {
    return this.#client !== undefined;
  }

  /** What the broker takes; `undefined` while the connection is away. */
  get limits(): AnnouncedLimits | undefined {
    const client = this.#client;
    if (client === undefined) return undefined;
    const { maximumPacketSize, maximumQoS, retainAvailable } = client.serverProperties ?? {};
    return {
      version: client.options.protocolVersion === 5 ? 5 : 4,
      packetSizeMax: maximumPacketSize,
      qosMax: maximumQoS === 0 || maximumQoS === 1 ? maximumQoS : 2,
      canRetain: retainAvailable !== false,
    };
  }

  /**
   * Waits until a connection that was lost is there again.
   *
   * @throws {@link OtaError} `delivery/connection-lost` if no attempt can have it back, or the signal is aborted before.
   */
  async connectedAgain(signal: AbortSignal): Promise<void> {
    if (this.connected) return;
    const settled = new AbortController();
    const options = { signal: AbortSignal.any([signal, settled.signal]) };
    const failed = once(this, "failed", options).then(() => {
      throw this.lossError();
    });
    try {
      if (this.#failure !== undefined) throw this.lossError();
      await Promise.race([once(this, "connected", options), failed]);
    } catch (error) {
      throw signal.aborted ? this.lossError() : error;
    } finally {
      settled.abort();
      failed.catch(() => undefined);
    }
  }

  /** What to say when a delivery's time is up and the connection is still away. */
  lossError(): OtaError<"delivery/connection-lost"> {
    const { host, port } = this.address;
    const failure = this.#failure;
    const how = failure === undefined ? "was lost and did not come back in time" : `was lost: ${failure.message}`;
    const message = `the connection to the broker ${displayBroker(this.address)} ${how}`;
    const again = "devices keep what they have: the same deploy again goes on from there";
    const hint = failure?.hint === undefined ? again : `${failure.hint}; ${again}`;
    return new OtaError("delivery/connection-lost", message, { host, port }, { hint });
  }

  /** What to say when the broker took the connection, and says nothing since. */
  silentError(): OtaError<"delivery/broker-unreachable"> {
    const { host, port } = this.address;
    const message = `the broker ${displayBroker(this.address)} takes the connection, but does not answer`;
    return new OtaError("delivery/broker-unreachable", message, { host, port });
  }

  /** What to say when the broker does not acknowledge messages that were repeated. */
  unacknowledgedError(topics: readonly string[]): OtaError<"delivery/not-acknowledged"> {
    const message = `the broker ${displayBroker(this.address)} did not acknowledge the message on ${listOf(topics)}`;
    const hint =
      "the broker or a proxy before it loses acknowledgements: look at its log; the same deploy again may get through";
    return new OtaError("delivery/not-acknowledged", message, { topics }, { hint });
  }

  /** What to say when the broker acknowledged messages that it does not give back. */
  notRetainedError(topics: readonly string[]): OtaError<"delivery/not-retained"> {
    const broker = displayBroker(this.address);
    const message = `the broker ${broker} does not give back what was published on ${listOf(topics)}: access control? retained messages off?`;
    const hint =
      "the publisher needs the right to write and to read these topics, and the broker must keep retained messages (Mosquitto: acl_file, retain_available)";
    return new OtaError("delivery/not-retained", message, { topics }, { hint });
  }

  /** What to say when the broker answers a publish with a reason code (MQTT 5.0 section 3.4.2.1). */
  refusedMessageError(topic: string): OtaError<"delivery/broker-refused"> {
    const { code, message, details } = this.refusedError(`the message on ${topic}`);
    const hint = "the broker's access control must let the publisher write and read the channel's topics";
    return new OtaError(code, message, details, { hint });
  }

  /** What to say when the broker took the connection, but not what is done on it. */
  refusedError(reason: string): OtaError<"delivery/broker-refused"> {
    const { host, port } = this.address;
    const message = `the broker ${displayBroker(this.address)} refused: ${reason}`;
    return new OtaError("delivery/broker-refused", message, { host, port, reason });
  }

  /** Publishes a message: see {@link Publishing}. */
  async publish(topic: string, payload: Uint8Array, options: { qos: 0 | 1; retain: boolean }): Promise<PublishEnd> {
    const { qos, retain } = options;
    const size = packetSize({ topic, payloadSizeBytes: payload.length, qos, retain, version: 5 });
    const { packetSize: largest, qos: qosMax, retain: hasRetained } = this.#demands;
    this.#demands = {
      packetSize: Math.max(largest, size),
      qos: qos === 1 ? 1 : qosMax,
      retain: retain || hasRetained,
    };
    return this.#client === undefined ? "lost" : ((await this.#publishing?.publish(topic, payload, options)) ?? "lost");
  }

  /** Publishes one large message: see {@link publishBlob}. */
  async publishBlob(message: BlobMessage, signal: AbortSignal): Promise<BlobEnd> {
    const client = this.#client;
    return client === undefined ? { type: "lost", reasonCode: undefined } : await publishBlob(client, message, signal);
  }

  /** Subscribes. Fulfilled with `false` if the connection was lost, or the broker refuses the topic. */
  subscribe(topic: string | string[], qos: 0 | 1 = 1): Promise<boolean> {
    const client = this.#client;
    if (client === undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      client.subscribe(topic, { qos }, (error, granted) =>
        resolve(error === null && granted?.every(({ qos }) => qos < 128) !== false),
      );
    });
  }

  /** Unsubscribes. Fulfilled with `false` if the connection was lost. */
  unsubscribe(topic: string | string[]): Promise<boolean> {
    const client = this.#client;
    if (client === undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      client.unsubscribe(topic, (error) => resolve(error === undefined || error === null));
    });
  }

  /**
   * Says goodbye and ends the connection, without waiting for acknowledgements. No event follows, and no timer or socket
   * is left.
   */
  async close(): Promise<void> {
    this.#closing.abort();
    this.removeAllListeners();
    await this.#leave();
  }

  async #leave(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    this.#forsake();
    this.#publishing?.giveUp();
    const closed = new Promise<void>((resolve) => {
      client.stream.once("close", resolve);
    });
    const late = setTimeout(() => client.stream.destroy(), GOODBYE_MS);
    client.end();
    if (!client.stream.closed) await closed;
    clearTimeout(late);
  }

  /**
   * MQTT 3.1.1 has no reasons and no limits. Where a connection did not last, the next one speaks MQTT 5 once, so that
   * the broker can say why.
   */
  #nextVersion(hasLasted: boolean): MqttVersion | undefined {
    if (this.#options.forBlob === true) return undefined;
    const shouldAsk = !hasLasted && !this.#hasAsked;
    this.#hasAsked = !hasLasted;
    return shouldAsk ? 5 : 4;
  }

  #adopt({ client, filter, reasonCode }: Connected): void {
    this.#client = client;
    this.#publishing = new Publishing(client);
    client.on("packetreceive", ({ cmd }) => {
      if (cmd !== "connack") this.#delay.worked();
    });
    client.on("message", (topic, payload, packet) => {
      if (filter.admits(topic, payload)) this.emit("message", { topic, payload, retained: packet.retain === true });
    });
    const onClose = (): void => {
      this.#client = undefined;
      client.end(true);
      this.emit("disconnected");
      void this.#reconnect(finalReason(reasonCode(), this.address));
    };
    client.once("close", onClose);
    // Not more than ours: mqtt.js clears its own timers when it hears of the end.
    this.#forsake = () => client.off("close", onClose);
  }

  /** @param final - Why another connection would end like this one. */
  async #reconnect(final: OtaError | undefined): Promise<void> {
    const { signal } = this.#closing;
    const { waitMs, hasLasted } = this.#delay.lost(performance.now());
    try {
      if (final !== undefined) throw final;
      await waitFor(waitMs, this.#options, signal);
      const version = this.#nextVersion(hasLasted);
      const connected = await connectUntil(this.address, this.#options, Infinity, signal, this.#delay, version);
      if (signal.aborted) {
        connected.client.end(true);
        return;
      }
      this.#adopt(connected);
      const { limits } = this;
      const fault = limits === undefined ? undefined : limitFault(limits, this.#demands, this.address);
      if (fault !== undefined) {
        await this.#leave();
        throw fault;
      }
      this.emit("connected");
    } catch (error) {
      if (!(error instanceof OtaError)) return;
      this.#failure = error;
      this.emit("failed");
    }
  }
}

/** Topics for a message: three, and how many more. */
function listOf(topics: readonly string[]): string {
  const shown = topics.slice(0, 3).join(", ");
  return topics.length > 3 ? `${shown} and ${topics.length - 3} more` : shown;
}
