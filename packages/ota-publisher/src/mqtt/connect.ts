import { setTimeout as delay } from "node:timers/promises";
import { guardClient } from "@tinybms/ota-broker";
import type { OtaError } from "@tinybms/ota-core";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import type { TlsFiles } from "../https/tls-files.ts";
import type { BrokerAddress } from "./broker-url.ts";
import { type ConnectionFault, connectionFault } from "./connection-fault.ts";
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
  /**
   * For `BrokerConnection.sendBlob` alone: MQTT 5 where the broker speaks it, which tells its limits, else 3.1.1; and no
   * keep-alive by the library, whose pings would come between the bytes of a message.
   */
  readonly forBlob?: boolean;
  /** How long to try for the first connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Called before each wait for another attempt. */
  readonly onRetry?: (fault: OtaError) => void;
  readonly signal?: AbortSignal;
}

/** The first wait between two attempts, and the longest, in milliseconds. */
const BACKOFF_MS = { first: 200, longest: 5_000 };

/** How long one attempt may take, in milliseconds. */
const ATTEMPT_TIMEOUT_MS = 10_000;

/**
 * Tries until it succeeds, `deadline` (of `performance.now()`) passes, or a fault is for good.
 *
 * @returns A connected client of one TCP connection, that makes no other by itself.
 * @throws {@link OtaError} `delivery/broker-unreachable` or `delivery/broker-refused`; the signal's reason.
 */
export async function connectUntil(
  address: BrokerAddress,
  options: ConnectionOptions,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<MqttClient> {
  let version: MqttVersion = options.forBlob === true ? 5 : 4;
  let before: OtaError | undefined;
  for (let waitMs = BACKOFF_MS.first; ; waitMs = Math.min(2 * waitMs, BACKOFF_MS.longest)) {
    signal?.throwIfAborted();
    const attempt = await connectOnce(clientOptions(address, options, version, deadline), address, signal);
    if ("client" in attempt) return attempt.client;
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
    await delay(Math.min(waitMs, left), undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

async function connectOnce(
  options: IClientOptions,
  address: BrokerAddress,
  signal: AbortSignal | undefined,
): Promise<{ readonly client: MqttClient } | ConnectionFault> {
  const client = connect(options);
  guardClient(client);
  let cause: unknown = new Error("it closed the connection");
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
  if (isConnected && !client.stream.destroyed) return { client };
  client.end(true);
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
