import { EventEmitter, once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
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

/** Events of a connection after it was first established. */
export interface ConnectionEvents {
  /** The connection is restored as a new session, without subscriptions. */
  connected: [];
  /** The connection and all pending messages are lost. Reconnecting starts automatically. */
  disconnected: [];
  /** The connection is lost permanently. */
  failed: [];
  message: [message: BrokerMessage];
}

/** Message from the broker. */
export interface BrokerMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** `true` if the broker had retained the message. */
  readonly retained: boolean;
}

/** How often to subscribe to what the broker refuses, and the time between two attempts in milliseconds. */
const SUBSCRIBE_ATTEMPTS = 5;
const SUBSCRIBE_AGAIN_MS = 1_000;

/** Time limit for the broker to close its side of the connection, in milliseconds. */
const GOODBYE_MS = 500;

/**
 * Connects to a broker. Retries with increasing waits.
 *
 * @returns A connection that reconnects whenever it is lost, until it is closed.
 * @throws {@link OtaError} `delivery/broker-unreachable` or `delivery/broker-refused` after the time limit, or if no
 *   further attempt can succeed.
 * @throws The signal's reason.
 */
export async function connectBroker(address: BrokerAddress, options: ConnectionOptions): Promise<BrokerConnection> {
  const deadline = performance.now() + options.connectTimeoutMs;
  const delay = reconnectDelay();
  const connected = await connectUntil(address, options, deadline, options.signal, delay);
  return new BrokerConnection(address, options, connected, delay);
}

/** Connection to a broker that reconnects with a new clean session when its TCP connection is lost. */
export class BrokerConnection extends EventEmitter<ConnectionEvents> {
  readonly address: BrokerAddress;
  readonly #options: ConnectionOptions;
  readonly #closing = new AbortController();
  readonly #delay: ReconnectDelay;
  #client: MqttClient | undefined;
  /** `true` if an MQTT 5 connection was tried to learn why connections do not last, and the broker gave no reason. */
  #hasAsked = false;
  /** Largest values that were sent, which the broker must accept. */
  #demands: BrokerDemands = { packetSize: 0, qos: 0, retain: false };
  #publishing: Publishing | undefined;
  /** Stops listening to the current client. */
  #stopListening: () => void = () => undefined;
  /** Error that keeps the connection from being restored. */
  #failure: OtaError | undefined;

  /** Use {@link connectBroker}. */
  constructor(address: BrokerAddress, options: ConnectionOptions, connected: Connected, delay: ReconnectDelay) {
    super();
    this.address = address;
    this.#options = options;
    this.#delay = delay;
    this.#adopt(connected);
  }

  /** Returns `true` while connected. */
  get connected(): boolean {
    return this.#client !== undefined;
  }

  /** Returns the broker's limits; `undefined` while disconnected. */
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
   * Waits until a lost connection is restored.
   *
   * @throws {@link OtaError} `delivery/connection-lost` if it can't be restored, or the signal is aborted first.
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

  /** Creates the error for a connection that is still lost at the end of a delivery. */
  lossError(): OtaError<"delivery/connection-lost"> {
    const { host, port } = this.address;
    const failure = this.#failure;
    const how = failure === undefined ? "was lost and was not restored in time" : `was lost: ${failure.message}`;
    const message = `the connection to the broker ${displayBroker(this.address)} ${how}`;
    const again = "devices keep their chunks: run the same deploy again to continue";
    const hint = failure?.hint === undefined ? again : `${failure.hint}; ${again}`;
    return new OtaError("delivery/connection-lost", message, { host, port }, { hint });
  }

  /** Creates the error for a broker that accepts the connection but does not answer. */
  silentError(): OtaError<"delivery/broker-unreachable"> {
    const { host, port } = this.address;
    const message = `the broker ${displayBroker(this.address)} accepts the connection but does not answer`;
    return new OtaError("delivery/broker-unreachable", message, { host, port });
  }

  /** Creates the error for messages that the broker does not acknowledge, even when they are repeated. */
  unacknowledgedError(topics: readonly string[]): OtaError<"delivery/not-acknowledged"> {
    const message = `the broker ${displayBroker(this.address)} did not acknowledge the message on ${listOf(topics)}`;
    const hint =
      "the broker or a proxy in front of it loses acknowledgements: check its log; running the same deploy again may succeed";
    return new OtaError("delivery/not-acknowledged", message, { topics }, { hint });
  }

  /** Creates the error for messages that the broker acknowledged but does not return. */
  notRetainedError(topics: readonly string[]): OtaError<"delivery/not-retained"> {
    const broker = displayBroker(this.address);
    const message = `the broker ${broker} does not return the message that was published on ${listOf(topics)}: access control may forbid it, or retained messages may be off`;
    const hint =
      "the publisher must be allowed to write and read these topics, and the broker must support retained messages (Mosquitto: acl_file, retain_available)";
    return new OtaError("delivery/not-retained", message, { topics }, { hint });
  }

  /** Creates the error for a reason code in answer to a publish (MQTT 5.0 section 3.4.2.1). */
  refusedMessageError(topic: string): OtaError<"delivery/broker-refused"> {
    const { code, message, details } = this.refusedError(`the message on ${topic}`);
    const hint = "the broker's access control must let the publisher write and read the channel's topics";
    return new OtaError(code, message, details, { hint });
  }

  /** Creates the error for a broker that accepts the connection but refuses an operation. */
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
    if (size > largest || qos > qosMax || (retain && !hasRetained)) {
      this.#demands = {
        packetSize: Math.max(largest, size),
        qos: qos === 1 ? 1 : qosMax,
        retain: retain || hasRetained,
      };
    }
    return this.#client === undefined ? "lost" : ((await this.#publishing?.publish(topic, payload, options)) ?? "lost");
  }

  /** Publishes one large message: see {@link publishBlob}. */
  async publishBlob(message: BlobMessage, signal: AbortSignal): Promise<BlobEnd> {
    const client = this.#client;
    return client === undefined ? { type: "lost", reasonCode: undefined } : await publishBlob(client, message, signal);
  }

  /**
   * Subscribes. Asks again if the broker refuses: a cluster does so while it elects a leader.
   *
   * @param attempts - How often to ask. @defaultValue 5
   * @returns `false` if the connection was lost, or the broker refuses the topic.
   */
  async subscribe(topic: string | string[], qos: 0 | 1 = 1, attempts: number = SUBSCRIBE_ATTEMPTS): Promise<boolean> {
    const client = this.#client;
    for (let attempt = 1; client !== undefined && client === this.#client; attempt++) {
      const isGranted = await subscribeOnce(client, topic, qos);
      if (isGranted || attempt === attempts || !client.connected) return isGranted;
      await delay(SUBSCRIBE_AGAIN_MS, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    }
    return false;
  }

  /** Unsubscribes. Resolves to `false` if the connection was lost. */
  unsubscribe(topic: string | string[]): Promise<boolean> {
    const client = this.#client;
    if (client === undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      client.unsubscribe(topic, (error) => resolve(error === undefined || error === null));
    });
  }

  /**
   * Sends DISCONNECT and closes the connection, without waiting for acknowledgements. Emits no further event and leaves
   * no timer or socket.
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
    this.#stopListening();
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
   * Returns the MQTT version of the next connection. MQTT 3.1.1 has no reason codes and limits. So if a connection did
   * not last, the next one uses MQTT 5 once, so that the broker can report the reason.
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
    // Remove only this listener: mqtt.js needs its own to clear its timers.
    this.#stopListening = () => client.off("close", onClose);
  }

  /** @param final - Error that another connection would get too, if any. */
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

/** Joins up to three topics for a message and counts the rest. */
function listOf(topics: readonly string[]): string {
  const shown = topics.slice(0, 3).join(", ");
  return topics.length > 3 ? `${shown} and ${topics.length - 3} more` : shown;
}

function subscribeOnce(client: MqttClient, topic: string | string[], qos: 0 | 1): Promise<boolean> {
  return new Promise((resolve) => {
    client.subscribe(topic, { qos }, (error, granted) =>
      resolve(error === null && granted?.every(({ qos }) => qos < 128) !== false),
    );
  });
}
