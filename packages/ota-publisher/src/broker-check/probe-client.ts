import { equalBytes } from "@tinybms/ota-core";
import type { MqttClient } from "mqtt";
import type { BrokerAddress } from "../mqtt/broker-url.ts";
import { type Connected, type ConnectionOptions, connectUntil } from "../mqtt/connect.ts";
import type { BrokerMessage } from "../mqtt/connection.ts";

/** Connection of a {@link ProbeClient}. */
export type ProbeConnection = Pick<ConnectionOptions, "clientId" | "signal" | "will"> & {
  /** Time limit for each answer of the broker, in milliseconds. */
  readonly waitMs: number;
};

/** MQTT 3.1.1 client of a probe. Every wait for an answer has a time limit. */
export class ProbeClient {
  readonly #client: MqttClient;
  readonly #waitMs: number;
  readonly #received: BrokerMessage[] = [];
  readonly #closed: Promise<false>;
  #onMessage: () => void = () => undefined;
  #isClosed = false;

  /**
   * Connects to a broker.
   *
   * @throws {@link OtaError} `delivery/broker-unreachable` or `delivery/broker-refused`; the signal's reason.
   */
  static async connect(address: BrokerAddress, options: ProbeConnection): Promise<ProbeClient> {
    const { waitMs, signal, clientId, will } = options;
    const connection = { clientId, will, connectTimeoutMs: waitMs };
    const connected = await connectUntil(address, connection, performance.now() + waitMs, signal);
    return new ProbeClient(connected, waitMs);
  }

  private constructor({ client, filter }: Connected, waitMs: number) {
    this.#client = client;
    this.#waitMs = waitMs;
    this.#closed = new Promise((resolve) => {
      client.once("close", () => {
        this.#isClosed = true;
        resolve(false);
        this.#onMessage();
      });
    });
    client.on("message", (topic, payload, { retain }) => {
      if (filter.admits(topic, payload)) this.#received.push({ topic, payload, retained: retain });
      this.#onMessage();
    });
  }

  /** Whether the broker or the network ended the connection. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Subscribes with QoS 1. Fulfilled with `true` if the broker granted QoS 1 in time. */
  subscribe(topic: string): Promise<boolean> {
    return this.#inTime((settle) => {
      this.#client.subscribe(topic, { qos: 1 }, (error, granted) => settle(error === null && granted?.[0]?.qos === 1));
    });
  }

  /** Publishes with QoS 1. Fulfilled with `true` if the broker acknowledged the message in time. */
  publish(
    topic: string,
    payload: Uint8Array,
    { retain = false }: { readonly retain?: boolean } = {},
  ): Promise<boolean> {
    return this.#inTime((settle) => {
      const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
      this.#client.publish(topic, bytes, { qos: 1, retain }, (error) => settle(error === undefined || error === null));
    });
  }

  /**
   * Waits for messages.
   *
   * @param isComplete - Returns `true` if all messages since the connection, or since {@link forget}, are the expected
   *   ones.
   * @returns `true` if they were complete in time.
   */
  received(isComplete: (messages: readonly BrokerMessage[]) => boolean): Promise<boolean> {
    return this.#inTime((settle) => {
      this.#onMessage = () => {
        if (isComplete(this.#received)) settle(true);
      };
      this.#onMessage();
    });
  }

  /** Waits for one message with this payload. @returns `true` if it arrived in time. */
  receives(
    topic: string,
    payload: Uint8Array,
    { retained = false }: { readonly retained?: boolean } = {},
  ): Promise<boolean> {
    return this.received((messages) =>
      messages.some((it) => it.topic === topic && it.retained === retained && equalBytes(it.payload, payload)),
    );
  }

  /** All messages since the connection, or since {@link forget}. */
  get messages(): readonly BrokerMessage[] {
    return this.#received;
  }

  /** Discards the messages received so far. */
  forget(): void {
    this.#received.length = 0;
  }

  /** Ends the connection without DISCONNECT, as a power cut does. The broker then publishes the will. */
  drop(): void {
    this.#client.stream.destroy();
  }

  /** Sends DISCONNECT and ends the connection. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#client.end();
    await Promise.race([this.#closed, this.#waited(new AbortController().signal)]);
    this.#client.end(true);
  }

  /** Runs an operation until it settles, the connection ends, or the time limit is reached. */
  async #inTime(begin: (settle: (isDone: boolean) => void) => void): Promise<boolean> {
    const settled = new AbortController();
    try {
      const result = new Promise<boolean>((resolve) => begin(resolve));
      return await Promise.race([result, this.#closed, this.#waited(settled.signal)]);
    } finally {
      settled.abort();
      this.#onMessage = () => undefined;
    }
  }

  #waited(signal: AbortSignal): Promise<false> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), this.#waitMs);
      signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    });
  }
}
