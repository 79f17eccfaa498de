import { setTimeout as setTimer } from "node:timers/promises";
import { guardClient, type MessageFilter, ReconnectDelay, type SkippedMessage } from "@tinybms/ota-broker/client";
import type { OtaError } from "@tinybms/ota-core";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import type { TlsFiles } from "../tls/tls-files.ts";
import type { BrokerAddress } from "./broker-url.ts";
import { type ConnectionFault, connectionFault, finalReason } from "./connection-fault.ts";
import type { MqttVersion } from "./publish-packet.ts";

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
  /** Whom to trust, and who we are: for `mqtts` and `wss`, unused otherwise. */
  readonly tls?: TlsFiles;
  /** Message that the broker publishes if the connection breaks without DISCONNECT. */
  readonly will?: ConnectionWill | undefined;
  /**
   * For `BrokerConnection.publishBlob` alone: MQTT 5 where the broker speaks it, which tells its limits, else 3.1.1; and no
   * keep-alive by the library, whose pings would wait behind the bytes of a message.
   */
  readonly forBlob?: boolean;
  /** How long to try for the first connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Called before each wait for another attempt. */
  readonly onRetry?: (fault: OtaError) => void;
  /** Called for the first message on each topic that is too large for it, and skipped. */
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

/** A connection of one client, and what of its messages is to be read. */
export interface Connected {
  readonly client: MqttClient;
  readonly filter: MessageFilter;
  /** The reason code of a DISCONNECT of MQTT 5, once the broker sent one. */
  readonly reasonCode: () => number | undefined;
}

/** The first wait between two attempts, and the longest, in milliseconds. */
const RECONNECT = { firstMs: 200, longestMs: 5_000 };

/** Makes the waits of one {@link BrokerConnection}: they go on from one connection to the next. */
export function reconnectDelay(): ReconnectDelay {
  return new ReconnectDelay(RECONNECT);
}

/** How long one attempt may take, in milliseconds. */
const ATTEMPT_TIMEOUT_MS = 10_000;

/**
 * Tries until it succeeds, `deadline` (of `performance.now()`) passes, or a fault is for good.
 *
 * @param delay - Waits between attempts, which went on from the connection before.
 * @param first - MQTT version of the first attempt; where the broker does not speak 5, 3.1.1 follows.
 * @returns A connected client of one TCP connection, that makes no other by itself.
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
    // The time was up in the middle of this attempt, so that the one before knows more of the reason.
    if (left <= 0) throw before ?? attempt.error;
    before = attempt.error;
    options.onRetry?.(attempt.error);
    await waitFor(Math.min(delay.lost(performance.now()).waitMs, left), options, signal);
  }
}

/** Waits until the next attempt, or until the signal is aborted. */
export async function waitFor(
  ms: number,
  { wait = waitForReal }: Pick<ConnectionOptions, "wait">,
  signal: AbortSignal | undefined,
): Promise<void> {
  await wait(ms, signal).catch(() => undefined);
}

function waitForReal(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return setTimer(ms, undefined, signal === undefined ? {} : { signal });
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
  // It may come right behind CONNACK.
  let reasonCode: number | undefined;
  client.on("disconnect", (packet) => {
    reasonCode = packet.reasonCode;
  });
  // The listener stays: mqtt.js goes on after bytes that are no MQTT, and understands nothing that follows.
  client.on("error", (error) => {
    cause = error;
    client.stream.destroy();
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
  if (isConnected && !client.stream.destroyed) return { client, filter, reasonCode: () => reasonCode };
  client.end(true);
  const final = finalReason(reasonCode, address);
  if (final !== undefined) return { error: final, transient: false, mayWantOlder: false };
  return connectionFault(cause, address);
}

/** Timers of mqtt.js that never fire: where pings are sent from outside. */
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
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    clientId: options.clientId,
    ...(options.will === undefined ? {} : { will: { ...options.will, payload: Buffer.from(options.will.payload) } }),
    keepalive: options.keepaliveSeconds ?? 60,
    ...(options.forBlob === true ? { timerVariant: NO_TIMERS } : {}),
    rejectUnauthorized: options.insecure !== true,
    // mqtt.js takes a certificate for the wish to encrypt, whatever the URL says.
    ...(protocol === "mqtts" || protocol === "wss" ? options.tls : {}),
    protocolVersion,
    clean: true,
    // One client is one TCP connection: what comes after it is lost is decided here, not in the library.
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: Math.max(1, Math.min(ATTEMPT_TIMEOUT_MS, deadline - performance.now())),
  };
}
