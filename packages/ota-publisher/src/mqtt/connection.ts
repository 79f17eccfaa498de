import { EventEmitter, once } from "node:events";
import { OtaError } from "@tinybms/ota-core";
import type { MqttClient } from "mqtt";
import { type BrokerAddress, displayBroker } from "./broker-url.ts";
import { type ConnectionOptions, connectUntil } from "./connect.ts";
import type { MqttVersion } from "./publish-packet.ts";
import { type PublishEnd, Publishing } from "./publishing.ts";
import { type BlobEnd, type BlobMessage, type BlobWatch, sendBlob } from "./send-blob.ts";

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

/** What a broker takes, as far as it says so when it takes a connection (MQTT 5.0 section 3.2.2.3). */
export interface BrokerLimits {
  readonly version: MqttVersion;
  /** Largest packet in bytes; `undefined`: it names none. */
  readonly packetSizeMax: number | undefined;
  readonly qosMax: 0 | 1 | 2;
  readonly canRetain: boolean;
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
  const client = await connectUntil(address, options, deadline, options.signal);
  return new BrokerConnection(address, options, client);
}

/** A clean session with a broker that survives the loss of its TCP connection, as a new session. */
export class BrokerConnection extends EventEmitter<ConnectionEvents> {
  readonly address: BrokerAddress;
  readonly #options: ConnectionOptions;
  readonly #closing = new AbortController();
  #client: MqttClient | undefined;
  #publishing: Publishing | undefined;
  /** Tells the events of one client no more. */
  #forsake: () => void = () => undefined;
  /** Why no connection will be had again. */
  #failure: OtaError | undefined;

  /** Use {@link connectBroker}. */
  constructor(address: BrokerAddress, options: ConnectionOptions, client: MqttClient) {
    super();
    this.address = address;
    this.#options = options;
    this.#adopt(client);
  }

  /** Whether the connection stands now. */
  get connected(): boolean {
    return this.#client !== undefined;
  }

  /** What the broker takes; `undefined` while the connection is away. */
  get limits(): BrokerLimits | undefined {
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
    const reason = this.#failure === undefined ? "" : `: ${this.#failure.message}`;
    const message = `the connection to the broker ${displayBroker(this.address)} was lost and did not come back in time${reason}`;
    const hint = "devices keep what they have: the same deploy again goes on from there";
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
    return this.#client === undefined ? "lost" : ((await this.#publishing?.publish(topic, payload, options)) ?? "lost");
  }

  /**
   * Sends one message of any size, a piece at a time. The connection must have been made `forBlob`.
   *
   * @throws What `message.read` throws.
   */
  async sendBlob(message: BlobMessage, watch: BlobWatch): Promise<BlobEnd> {
    const client = this.#client;
    if (client === undefined) return { type: "lost", bytesSent: 0, reasonCode: undefined };
    return await sendBlob(client, message, watch);
  }

  /** Subscribes with QoS 1. Fulfilled with `false` if the connection was lost, or the broker refuses the topic. */
  subscribe(topic: string | string[]): Promise<boolean> {
    const client = this.#client;
    if (client === undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      client.subscribe(topic, { qos: 1 }, (error, granted) =>
        resolve(error === null && granted?.every(({ qos }) => qos !== 128) !== false),
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

  #adopt(client: MqttClient): void {
    this.#client = client;
    this.#publishing = new Publishing(client);
    client.on("message", (topic, payload, packet) =>
      this.emit("message", { topic, payload, retained: packet.retain === true }),
    );
    const onClose = (): void => {
      this.#client = undefined;
      client.end(true);
      this.emit("disconnected");
      void this.#reconnect();
    };
    client.once("close", onClose);
    // Not more than ours: mqtt.js clears its own timers when it hears of the end.
    this.#forsake = () => client.off("close", onClose);
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#closing;
    try {
      const client = await connectUntil(this.address, this.#options, Number.POSITIVE_INFINITY, signal);
      if (signal.aborted) {
        client.end(true);
        return;
      }
      this.#adopt(client);
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
