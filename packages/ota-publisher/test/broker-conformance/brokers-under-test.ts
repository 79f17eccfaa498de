import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parsePasswordFile, passwordLine, startEmbeddedBroker } from "@tinybms/ota-broker";
import { type Mosquitto, startMosquitto } from "../mosquitto-broker.ts";
import { type PacketFault, startFaultyProxy } from "./faulty-proxy.ts";

/** A broker that runs on this machine. */
export interface RunningBroker {
  readonly port: number;
  /** Returns a user's name and password as they stand in a URL, or nothing where nobody needs them. */
  login(user: string): string;
  /** Ends it in an orderly way, and starts it again on the same port. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** `guarded`: users `ops`, `bench-1` and `bench-2` with the rights of the topics table. `stored`: it has a store. */
export type BrokerKind = "open" | "guarded" | "stored";

/** Starts a broker. */
export type StartBroker = (kind: BrokerKind) => Promise<RunningBroker>;

const CHEAP = { logCost: 10, blockSize: 8, parallelization: 1 };

/** Starts the embedded broker. It never has a store. */
export const startEmbedded: StartBroker = async (kind) => {
  const roles = { ops: "publisher", "bench-1": "device", "bench-2": "device" } as const;
  const lines = Object.entries(roles).map(([name, role]) => passwordLine({ name, role }, `of-${name}`, CHEAP));
  const access = {
    users: parsePasswordFile((await Promise.all(lines)).join("\n"), "users"),
    topicRoots: ["bench/ota"],
  };
  const start = (port: number) => startEmbeddedBroker({ port, ...(kind === "guarded" ? access : {}) });
  let broker = await start(0);
  return {
    port: broker.port,
    login: (user) => (kind === "guarded" ? `${user}:of-${user}@` : ""),
    async restart() {
      await broker.close();
      broker = await start(broker.port);
    },
    close: () => broker.close(),
  };
};

const ACCESS_LIST = [
  ...["user ops", "topic read bench/ota/v1/device/+/request", "topic read bench/ota/v1/device/+/state"],
  ...["topic readwrite bench/ota/v1/device/+/offer", "topic write bench/ota/v1/device/+/chunk"],
  ...["pattern write bench/ota/v1/device/%u/request", "pattern write bench/ota/v1/device/%u/state"],
  ...["pattern read bench/ota/v1/device/%u/offer", "pattern read bench/ota/v1/device/%u/chunk"],
];

/** Returns a function that starts Mosquitto in folders below `folder`, with lines added to its configuration. */
export function mosquittoIn(folder: string, more: readonly string[] = []): StartBroker {
  return async (kind) => {
    const own = mkdtempSync(join(folder, "broker-"));
    const list = join(own, "access");
    writeFileSync(list, `${ACCESS_LIST.join("\n")}\n`);
    const lines = {
      open: [],
      guarded: [`acl_file ${list}`],
      stored: ["persistence true", `persistence_location ${own}/`],
    }[kind];
    const start = (port?: number): Promise<Mosquitto> =>
      startMosquitto(own, ["allow_anonymous true", ...lines, ...more], port);
    let broker = await start();
    return {
      port: broker.port,
      login: (user) => `${user}@`,
      async restart() {
        await broker.stop();
        broker = await start(broker.port);
      },
      close: () => broker.kill(),
    };
  };
}

/** Returns a function that starts a broker, and a proxy with a fault before it. */
export function behindProxy(start: StartBroker, fault: (connection: number) => PacketFault): StartBroker {
  return async (kind) => {
    const broker = await start(kind);
    const proxy = await startFaultyProxy(broker.port, fault);
    return {
      ...broker,
      port: proxy.port,
      async close() {
        await proxy.close();
        await broker.close();
      },
    };
  };
}
