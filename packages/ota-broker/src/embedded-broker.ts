import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { OtaError } from "@tinybms/ota-core";
import type { Aedes, Client } from "aedes";
import { BROKER_LIMITS, type BrokerLimits } from "./broker-limits.ts";
import { ByteBudget } from "./byte-budget.ts";
import { ClientPolicy } from "./client-policy.ts";
import { ClientStream } from "./client-stream.ts";
import { PACKET_SIZE_MAX } from "./guard-stream.ts";
import { type BlobTopics, messageSizeMax } from "./message-size.ts";
import { PacketGuard } from "./packet-guard.ts";
import type { BrokerUser } from "./password-file.ts";
import { ConnectionCount, isOfThisMachine } from "./remote-address.ts";

/** Options of {@link startEmbeddedBroker}. */
export interface EmbeddedBrokerOptions {
  /** Address to listen on. @defaultValue `127.0.0.1`, which only this machine can reach */
  readonly host?: string;
  /** TCP port; 0 picks a free one. @defaultValue 0 */
  readonly port?: number;
  /**
   * Users who may connect, as returned by {@link readPasswordFile}. If absent, no client needs a password: processes of this
   * machine may do everything, and clients of other machines may do what any device may.
   */
  readonly users?: readonly BrokerUser[];
  /** Topics of the channels that it serves; by default those that a publisher has used since the broker started. */
  readonly topicRoots?: readonly string[];
  /** Certificates; if given, every connection is encrypted. */
  readonly tls?: BrokerTls;
  /** Limits that replace the defaults one by one. */
  readonly limits?: Partial<BrokerLimits>;
  /** Called for each refusal of a client's request. */
  readonly onRefused?: (refusal: BrokerRefusal) => void;
  /** Called for each message that a client publishes and the broker takes, and for its will. */
  readonly onPublished?: (message: PublishedMessage) => void;
}

/** A message that a client published. */
export interface PublishedMessage {
  /** Client identifier of CONNECT. */
  readonly clientId: string;
  readonly topic: string;
  /** Size of its payload in bytes. */
  readonly sizeBytes: number;
}

/** Certificates of a broker, in PEM format. */
export interface BrokerTls {
  /** Certificate of the broker, followed by its chain. */
  readonly cert: string;
  readonly key: string;
  /** CA certificates of clients. If given, only clients with such a certificate can connect. */
  readonly ca?: string;
}

/** A refused request of a client. */
export interface BrokerRefusal {
  /** The client's address, without its port. */
  readonly address: string;
  /** Client identifier of CONNECT; empty before that. */
  readonly clientId: string;
  /** Reason, as the end of a sentence whose subject is the client. */
  readonly reason: string;
}

/** A broker that runs in this process. */
export interface EmbeddedBroker {
  /** URL for clients of this machine, for example `mqtt://127.0.0.1:1883`. */
  readonly url: string;
  /** Address that it listens on, as given in the options. */
  readonly host: string;
  /** TCP port that it listens on. */
  readonly port: number;
  /** Closes every connection and stops listening. Discards retained messages. */
  close(): Promise<void>;
}

/**
 * Starts an MQTT 3.1.1 broker in this process: aedes over TCP or TLS, with messages in memory, a {@link PacketGuard} for
 * each connection, and the access control of the protocol's topics table. Sessions end with their connections.
 *
 * @throws {@link OtaError} `delivery/broker-unreachable` if it can't listen: the port is in use, the address is not one of
 *   this machine's, or permission is denied; `delivery/tls-failed` if a certificate or key is invalid.
 */
export async function startEmbeddedBroker(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const { host = "127.0.0.1", port = 0, users, topicRoots, tls } = options;
  const limits = { ...BROKER_LIMITS, ...options.limits };
  const server = createBrokerServer(tls, { host, port }, limits.connectTimeoutMs);
  const onRefused = (conn: Client["conn"], clientId: string, reason: string): void =>
    options.onRefused?.({ address: addressOf(conn), clientId, reason });
  const blob: BlobTopics = { topics: topicRoots ?? "any", sizeMax: limits.blobSizeMax };
  const policy = new ClientPolicy({ users, topicRoots, limits, blob, onRefused });
  // Imported here because aedes takes longer to load than all the rest, and clients of the guard don't need it.
  const { Aedes } = await import("aedes");
  const aedes = new Aedes({
    ...policy.handlers,
    connectTimeout: limits.connectTimeoutMs,
    drainTimeout: limits.drainTimeoutMs,
    maxTopicLevels: limits.topicLevelsMax,
    maxInflightInbound: limits.inflightQos2Max,
  });
  aedes.on("unsubscribe", (filters, client) => {
    policy.unsubscribed(client, filters);
    proceed(client);
  });
  aedes.on("subscribe", (_, client) => proceed(client));
  aedes.on("publish", ({ topic, payload }, client) => {
    if (client !== null) options.onPublished?.({ clientId: client.id, topic, sizeBytes: payload.length });
  });
  await aedes.listen();
  const sockets = new Set<Socket>();
  admitSockets(server, sockets, limits, onRefused);
  const budget = new ByteBudget(limits.unfinishedBytesMax);
  server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    if (socket.destroyed) return;
    const guard = new PacketGuard({
      first: "connect",
      connectSizeMax: limits.connectSizeMax,
      packetSizeMax: PACKET_SIZE_MAX,
      messageSizeMax: (topic) => messageSizeMax(topic, policy.mayDeliver(client()) ? blob : undefined),
    });
    const stream: ClientStream = new ClientStream(socket, {
      guard,
      budget,
      onRefused: ({ message }) => onRefused(stream, client()?.id ?? "", message),
    });
    const handled = aedes.handle(stream);
    function client(): Client | undefined {
      return handled;
    }
  });
  try {
    await listen(server, host, port);
  } catch (error) {
    await closeAedes(aedes);
    throw error;
  }
  const listening = portOf(server);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
    await closeAedes(aedes);
  };
  return {
    url: `${tls === undefined ? "mqtt" : "mqtts"}://${urlHost(host)}:${listening}`,
    host,
    port: listening,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Lets a client's stream continue. aedes emits `subscribe` and `unsubscribe` when it has handled the packet. */
function proceed({ conn }: Client): void {
  if (conn instanceof ClientStream) conn.proceed();
}

function createBrokerServer(
  tls: BrokerTls | undefined,
  address: { readonly host: string; readonly port: number },
  handshakeTimeout: number,
): Server {
  if (tls === undefined) return createServer({ noDelay: true });
  const isRequired = tls.ca !== undefined;
  try {
    // OpenSSL skips CA certificates that it can't read.
    if (tls.ca !== undefined) new X509Certificate(tls.ca);
    return createTlsServer({
      ...tls,
      requestCert: isRequired,
      rejectUnauthorized: isRequired,
      handshakeTimeout,
      noDelay: true,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the embedded broker can't use its TLS certificate, key or CA certificates: ${reason}`;
    throw new OtaError("delivery/tls-failed", message, { ...address, reason }, { cause });
  }
}

/** Counts connections, and closes those beyond the limit of an address before reading from them. */
function admitSockets(
  server: Server,
  sockets: Set<Socket>,
  limits: BrokerLimits,
  onRefused: (conn: Socket, clientId: string, reason: string) => void,
): void {
  const counts = new ConnectionCount();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const max = isOfThisMachine(socket) ? limits.localConnectionsMax : limits.connectionsPerAddressMax;
    if (counts.add(socket) <= max) return;
    onRefused(socket, "", `its address has reached the limit of ${max} connections`);
    socket.destroy();
  });
  server.on("tlsClientError", (error: Error, socket: Socket) => {
    onRefused(socket, "", `its TLS handshake failed: ${error.message}`);
    // Node.js reports a handshake that takes too long, but does not close the connection.
    socket.destroy();
  });
}

function addressOf(conn: Client["conn"]): string {
  return "remoteAddress" in conn ? (conn.remoteAddress ?? "") : "";
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const [reason, hint] = LISTEN_FAULTS[code] ?? [code || String(error), undefined];
    const message = `the embedded broker can't listen on ${host}:${port}: ${reason}`;
    throw new OtaError("delivery/broker-unreachable", message, { host, port }, { cause: error, hint });
  }
}

const LISTEN_FAULTS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  EADDRINUSE: [
    "the port is in use",
    "another broker may already run here: use it with --broker mqtt://HOST:PORT, or choose another port with --broker embedded://HOST:PORT",
  ],
  EADDRNOTAVAIL: ["the address is not one of this machine's", "use 0.0.0.0 to listen on all addresses"],
  ENOTFOUND: ["the host name is unknown", "use 0.0.0.0 to listen on all addresses of this machine"],
  EACCES: ["permission denied", "ports below 1024 are for privileged users; choose a higher one"],
};

function portOf(server: Server): number {
  const address = server.address();
  return address !== null && typeof address === "object" ? address.port : 0;
}

/** Returns the host for a URL. A wildcard address becomes this machine's loopback address. */
function urlHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

function closeAedes(aedes: Aedes): Promise<void> {
  return new Promise((resolve) => aedes.close(() => resolve()));
}
