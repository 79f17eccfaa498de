import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { OtaError } from "@tinybms/ota-core";
import { Aedes } from "aedes";

/** Where an embedded broker listens. */
export interface EmbeddedBrokerOptions {
  /** Address to listen on; `127.0.0.1` without it, so that only this machine reaches it. */
  readonly host?: string;
  /** TCP port; without it, or with 0, any free one. */
  readonly port?: number;
}

/** A broker that runs in this process. */
export interface EmbeddedBroker {
  /** Where clients of this machine connect, for example `mqtt://127.0.0.1:1883`. */
  readonly url: string;
  /** The address it listens on, as it was asked for. */
  readonly host: string;
  /** The TCP port it listens on. */
  readonly port: number;
  /** Ends every connection at once and stops listening. Retained messages are gone with it. */
  close(): Promise<void>;
}

/**
 * How long a client may leave what it was sent unread, in milliseconds. aedes hands a message on only when every
 * subscriber took it, so one device that lost its power would hold up all the others for longer.
 */
const DRAIN_TIMEOUT_MS = 5_000;

/** How long a connection may take to introduce itself, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** A topic of the protocol has five levels below its root, and no root is deeper than this leaves. */
const TOPIC_LEVELS_MAX = 32;

/**
 * Starts an MQTT 3.1.1 broker in this process: aedes over TCP, messages and sessions in memory.
 *
 * @throws {@link OtaError} `delivery/broker-unreachable` if it can't listen there: the port is taken, the address is
 *   none of this machine's, or it takes rights to listen on it.
 */
export async function startEmbeddedBroker(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const { host = "127.0.0.1", port = 0 } = options;
  const sockets = new Set<Socket>();
  const aedes = new Aedes({
    connectTimeout: CONNECT_TIMEOUT_MS,
    drainTimeout: DRAIN_TIMEOUT_MS,
    maxTopicLevels: TOPIC_LEVELS_MAX,
  });
  await aedes.listen();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    aedes.handle(socket);
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
    url: `mqtt://${urlHost(host)}:${listening}`,
    host,
    port: listening,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const [reason, hint] = LISTEN_FAULTS[code] ?? [code || String(error), undefined];
    const message = `the embedded broker can't listen on ${host}:${port}: ${reason}`;
    const options = hint === undefined ? { cause: error } : { cause: error, hint };
    throw new OtaError("delivery/broker-unreachable", message, { host, port }, options);
  }
}

const LISTEN_FAULTS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  EADDRINUSE: [
    "the port is taken",
    "another broker may run here already: deliver through it with --broker mqtt://HOST:PORT, or take another port with --broker embedded://HOST:PORT",
  ],
  EADDRNOTAVAIL: ["the address is none of this machine's", "0.0.0.0 listens on all of them"],
  ENOTFOUND: ["there is no host of that name", "0.0.0.0 listens on every address of this machine"],
  EACCES: ["permission denied", "ports below 1024 are for privileged users; take a higher one"],
};

function portOf(server: Server): number {
  const address = server.address();
  return address !== null && typeof address === "object" ? address.port : 0;
}

/** What stands in a URL for an address: a wildcard is reached through this machine's own. */
function urlHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

function closeAedes(aedes: Aedes): Promise<void> {
  return new Promise((resolve) => aedes.close(() => resolve()));
}
