import { EventEmitter, once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { OtaError } from "@tinybms/ota-core";
import type { MqttClient } from "mqtt";
import { type BrokerAddress, displayBroker } from "./broker-url.ts";
import { type ConnectionOptions, connectUntil } from "./connect.ts";
import type { MqttVersion } from "./publish-packet.ts";
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

/** How long what is under way may take to be acknowledged when the connection is closed, in milliseconds. */
const FLUSH_TIMEOUT_MS = 2_000;

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

  /** What to say when the broker took the connection, but not what is done on it. */
  refusedError(reason: string): OtaError<"delivery/broker-refused"> {
    const { host, port } = this.address;
    const message = `the broker ${displayBroker(this.address)} refused: ${reason}`;
    return new OtaError("delivery/broker-refused", message, { host, port, reason });
  }

  /**
   * Publishes a message.
   *
   * @returns Fulfilled with `true` once it is acknowledged (QoS 1) or has left the socket (QoS 0), with `false` if the
   *   connection was lost before.
   */
  publish(topic: string, payload: Uint8Array, { qos, retain }: { qos: 0 | 1; retain: boolean }): Promise<boolean> {
    const client = this.#client;
    if (client === undefined) return Promise.resolve(false);
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    return new Promise((resolve) => {
      client.publish(topic, bytes, { qos, retain }, (error) => resolve(error === undefined || error === null));
    });
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

  /** Sends what is under way, says goodbye and ends the connection. No event follows. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.removeAllListeners();
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    client.removeAllListeners("close");
    const flushed = client.endAsync().then(
      () => true,
      () => true,
    );
    const tooLong = new AbortController();
    const late = delay(FLUSH_TIMEOUT_MS, false, { signal: tooLong.signal }).catch(() => true);
    if (!(await Promise.race([flushed, late]))) client.stream.destroy();
    tooLong.abort();
  }

  #adopt(client: MqttClient): void {
    this.#client = client;
    client.on("message", (topic, payload, packet) =>
      this.emit("message", { topic, payload, retained: packet.retain === true }),
    );
    client.once("close", () => {
      this.#client = undefined;
      client.end(true);
      this.emit("disconnected");
      void this.#reconnect();
    });
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
