import { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { OtaError } from "@tinybms/ota-core";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { type BrokerAddress, displayBroker } from "./broker-url.ts";
import { type ConnectionFault, connectionFault } from "./connection-fault.ts";

/** How to introduce ourselves to a broker. */
export interface ConnectionOptions {
  /** MQTT client identifier; a broker ends an older connection of the same one. */
  readonly clientId: string;
  /** Keep-alive in seconds, 60 without it; 0 switches it off. */
  readonly keepaliveSeconds?: number;
  /** Stands above the URL's. */
  readonly username?: string | undefined;
  /** Stands above the URL's. */
  readonly password?: string | undefined;
  /** Skip the check of the broker's certificate. */
  readonly insecure?: boolean;
  /** How long to try for the first connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Called before each wait for another attempt. */
  readonly onRetry?: (fault: OtaError) => void;
  readonly signal?: AbortSignal;
}

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

/** The first wait between two attempts, and the longest, in milliseconds. */
const BACKOFF_MS = { first: 200, longest: 5_000 };

/** How long one attempt may take, in milliseconds. */
const ATTEMPT_TIMEOUT_MS = 10_000;

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

  /** What to say when a delivery's time is up and the connection is still away. */
  lossError(): OtaError<"delivery/connection-lost"> {
    const { host, port } = this.address;
    const reason = this.#failure === undefined ? "" : `: ${this.#failure.message}`;
    const message = `the connection to the broker ${displayBroker(this.address)} was lost and did not come back in time${reason}`;
    const hint = "devices keep what they have: the same deploy again goes on from there";
    return new OtaError("delivery/connection-lost", message, { host, port }, { hint });
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

/** Tries until it succeeds, `deadline` (of `performance.now()`) passes, or a fault is for good. */
async function connectUntil(
  address: BrokerAddress,
  options: ConnectionOptions,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<MqttClient> {
  for (let waitMs = BACKOFF_MS.first; ; waitMs = Math.min(2 * waitMs, BACKOFF_MS.longest)) {
    signal?.throwIfAborted();
    const attempt = await connectOnce(address, options, deadline - performance.now(), signal);
    if ("client" in attempt) return attempt.client;
    const left = deadline - performance.now();
    if (!attempt.transient || left <= 0) throw attempt.error;
    options.onRetry?.(attempt.error);
    await delay(Math.min(waitMs, left), undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

async function connectOnce(
  address: BrokerAddress,
  options: ConnectionOptions,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly client: MqttClient } | ConnectionFault> {
  const client = connect(clientOptions(address, options, timeoutMs));
  let cause: unknown = new Error("it closed the connection");
  // The listener stays: an error event without one would end the process.
  client.on("error", (error) => {
    cause = error;
  });
  // mqtt.js passes on the socket errors that it knows, and drops the others.
  client.stream.on("error", (error: unknown) => {
    cause = error;
  });
  const abort = (): void => {
    client.stream.destroy();
  };
  signal?.addEventListener("abort", abort, { once: true });
  const isConnected = await new Promise<boolean>((resolve) => {
    client.once("connect", () => resolve(true));
    client.once("close", () => resolve(false));
  });
  signal?.removeEventListener("abort", abort);
  if (isConnected) return { client };
  client.end(true);
  return connectionFault(cause, address);
}

function clientOptions(address: BrokerAddress, options: ConnectionOptions, timeoutMs: number): IClientOptions {
  const { protocol, host, port, path } = address;
  const username = options.username ?? address.username;
  const password = options.password ?? address.password;
  return {
    protocol,
    host,
    port,
    ...(path === "" ? {} : { path }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    clientId: options.clientId,
    keepalive: options.keepaliveSeconds ?? 60,
    rejectUnauthorized: options.insecure !== true,
    protocolVersion: 4,
    clean: true,
    // One client is one TCP connection: what comes after it is lost is decided here, not in the library.
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: Math.max(1, Math.min(ATTEMPT_TIMEOUT_MS, timeoutMs)),
  };
}
