import { setTimeout as setTimer } from "node:timers/promises";
import { guardClient, type MessageFilter, ReconnectDelay, type SkippedMessage } from "@tinybms/ota-broker/client";
import type { OtaError } from "@tinybms/ota-core";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { definedMembers } from "../defined-members.ts";
import type { TlsFiles } from "../tls/tls-files.ts";
import type { BrokerAddress } from "./broker-url.ts";
import { type ConnectionFault, connectionFault, finalReason } from "./connection-fault.ts";
import type { MqttVersion } from "./publish-packet.ts";

/** Options of a connection to a broker. */
export interface ConnectionOptions {
  /** MQTT client identifier. A broker ends an older connection with the same one. */
  readonly clientId: string;
  /** Keep-alive in seconds; 0 turns it off. @defaultValue 60 */
  readonly keepaliveSeconds?: number;
  /** Overrides the value in the URL. */
  readonly username?: string | undefined;
  /** Overrides the value in the URL. */
  readonly password?: string | undefined;
  /** Skips the check of the broker's certificate. */
  readonly insecure?: boolean;
  /** CA certificates, client certificate and key, for `mqtts` and `wss`. Unused otherwise. */
  readonly tls?: TlsFiles;
  /** Message that the broker publishes if the connection breaks without DISCONNECT. */
  readonly will?: ConnectionWill | undefined;
  /**
   * For `BrokerConnection.publishBlob`: uses MQTT 5, which reports the broker's limits, if the broker supports it, and
   * turns off mqtt.js's keep-alive, whose pings would wait behind the bytes of a message.
   */
  readonly forBlob?: boolean;
  /** Time limit for the first connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Called after each failed attempt. */
  readonly onRetry?: (fault: OtaError) => void;
  /** Called for the first skipped message on each topic: one that exceeds the topic's limit. */
  readonly onSkipped?: (message: SkippedMessage) => void;
  /**
   * Waits between attempts, in milliseconds.
   *
   * @defaultValue `setTimeout` of `node:timers/promises`
   */
  readonly wait?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  readonly signal?: AbortSignal;
}

/** Will of a connection (MQTT 3.1.1 section 3.1.2.5). */
export interface ConnectionWill {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/** Connected client with the filter for its messages. */
export interface Connected {
  readonly client: MqttClient;
  readonly filter: MessageFilter;
  /** Returns the reason code of the broker's DISCONNECT (MQTT 5), if it sent one. */
  readonly reasonCode: () => number | undefined;
}

/** First and longest wait between attempts, in milliseconds. */
const RECONNECT = { firstMs: 200, longestMs: 5_000 };

/** Creates the waits of a {@link BrokerConnection}, which continue from one connection to the next. */
export function reconnectDelay(): ReconnectDelay {
  return new ReconnectDelay(RECONNECT);
}

/** Time limit of one attempt, in milliseconds. */
const ATTEMPT_TIMEOUT_MS = 10_000;

/**
 * Tries to connect until it succeeds, `deadline` (a time of `performance.now()`) passes, or a fault is permanent.
 *
 * @param delay - Waits between attempts, continued from the previous connection.
 * @param first - MQTT version of the first attempt. If the broker does not support 5, 3.1.1 is tried next.
 * @returns A connected client with one TCP connection, which does not reconnect by itself.
 * @throws {@link OtaError} `delivery/broker-unreachable` or `delivery/broker-refused`; the signal's reason.
 */
export async function connectUntil(
  address: BrokerAddress,
  options: ConnectionOptions,
  deadline: number,
  signal: AbortSignal | undefined,
  delay: ReconnectDelay = reconnectDelay(),
  first: MqttVersion = options.forBlob === true ? 5 : 4,
): Promise<Connected> {
  let version = first;
  let before: OtaError | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const attempt = await connectOnce(clientOptions(address, options, version, deadline), address, options, signal);
    if ("client" in attempt) {
      delay.connected(performance.now());
      return attempt;
    }
    if (version === 5 && attempt.mayWantOlder) {
      version = 4;
      continue;
    }
    const left = deadline - performance.now();
    if (!attempt.transient) throw attempt.error;
    // The deadline interrupted this attempt, so the error of the previous one is more specific.
    if (left <= 0) throw before ?? attempt.error;
    before = attempt.error;
    options.onRetry?.(attempt.error);
    await waitFor(Math.min(delay.lost(performance.now()).waitMs, left), options, signal);
  }
}

/** Waits before the next attempt, or until the signal is aborted. */
export async function waitFor(
  ms: number,
  { wait = waitForReal }: Pick<ConnectionOptions, "wait">,
  signal: AbortSignal | undefined,
): Promise<void> {
  await wait(ms, signal).catch(() => undefined);
}

function waitForReal(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return setTimer(ms, undefined, { signal });
}

async function connectOnce(
  options: IClientOptions,
  address: BrokerAddress,
  { onSkipped }: ConnectionOptions,
  signal: AbortSignal | undefined,
): Promise<Connected | ConnectionFault> {
  const client = connect(options);
  const filter = guardClient(client, { onSkipped });
  let cause: unknown = new Error("it closed the connection");
  // DISCONNECT may follow CONNACK immediately.
  let reasonCode: number | undefined;
  client.on("disconnect", (packet) => {
    reasonCode = packet.reasonCode;
  });
  // This listener stays: after bytes that are not MQTT, mqtt.js continues but can't parse anything that follows.
  client.on("error", (error) => {
    cause = error;
    client.stream.destroy();
  });
  // mqtt.js forwards only some socket errors.
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
  if (isConnected && !client.stream.destroyed) return { client, filter, reasonCode: () => reasonCode };
  client.end(true);
  const final = finalReason(reasonCode, address);
  if (final !== undefined) return { error: final, transient: false, mayWantOlder: false };
  return connectionFault(cause, address);
}

/** Timers for mqtt.js that never fire, for connections whose pings are sent from outside. */
const NO_TIMERS = { set: (): number => 0, clear: (): void => undefined };

function clientOptions(
  address: BrokerAddress,
  options: ConnectionOptions,
  protocolVersion: MqttVersion,
  deadline: number,
): IClientOptions {
  const { protocol, host, port, path } = address;
  const username = options.username ?? address.username;
  const password = options.password ?? address.password;
  return {
    protocol,
    host,
    port,
    ...(path === "" ? {} : { path }),
    ...definedMembers({ username, password }),
    clientId: options.clientId,
    ...(options.will === undefined ? {} : { will: { ...options.will, payload: Buffer.from(options.will.payload) } }),
    keepalive: options.keepaliveSeconds ?? 60,
    ...(options.forBlob === true ? { timerVariant: NO_TIMERS } : {}),
    rejectUnauthorized: options.insecure !== true,
    // Given a certificate, mqtt.js encrypts regardless of the URL.
    ...(protocol === "mqtts" || protocol === "wss" ? options.tls : {}),
    protocolVersion,
    clean: true,
    // One client has one TCP connection: this package reconnects itself.
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: Math.max(1, Math.min(ATTEMPT_TIMEOUT_MS, deadline - performance.now())),
  };
}
