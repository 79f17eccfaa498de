/**
 * `npx node --conditions=@tinybms/source bench/fleet-on-cluster.ts --nats PATH`: delivers an image to simulated devices through a
 * cluster of three NATS servers on this machine, and kills one of them half-way.
 *
 * Devices connect through a balancer that spreads them over the nodes. The publisher that makes the offer is on the first node,
 * one that joins it on the second. The first node is killed, so that a third of the devices, and that publisher, lose it for good.
 *
 * `go install github.com/nats-io/nats-server/v2@v2.10.22` builds the server.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { connectAsync } from "mqtt";
import { freePort } from "../test/free-port.ts";
import { ended, packageForFleet, start, untilOnline } from "./fleet-processes.ts";
import { FleetWatch } from "./fleet-watch.ts";

/** One delivery. */
export interface ClusterDelivery {
  /** Path of `nats-server`. */
  readonly nats: string;
  readonly devices: number;
  readonly sizeBytes: number;
  /** Bytes per second. */
  readonly rate: number;
  /** QoS of chunks. */
  readonly qos: 0 | 1;
  /** Limit in seconds. */
  readonly timeout: number;
}

/** Result of a {@link ClusterDelivery}. */
export interface ClusterResult {
  readonly confirmed: number;
  /** Devices by state. */
  readonly states: Readonly<Record<string, number>>;
  /** Share that the median device had when the node was killed. */
  readonly killedAt: number;
  /** Connections of devices by node, from the start to the end. */
  readonly connections: readonly number[];
  /** Exit code of the publisher that joined, and images that it sent. */
  readonly joined: { readonly exitCode: number | null; readonly images: number };
  /** Images that the third node passed on, of both publishers. */
  readonly images: number;
  readonly wallS: number;
}

const NODES = 3;

/** Runs a delivery on a cluster. */
export async function deliverOnCluster(delivery: ClusterDelivery): Promise<ClusterResult> {
  const { devices, sizeBytes, rate, qos, timeout } = delivery;
  const folder = await mkdtemp(join(tmpdir(), "tinybms-cluster-"));

  const cluster = await Cluster.start(delivery.nats, folder);

  const balancer = new Balancer(cluster.ports);
  const [firstUrl = "", secondUrl = "", thirdUrl = ""] = cluster.ports.map((port) => `mqtt://127.0.0.1:${port}`);
  const bytes = buildAppImage({ chip: "esp32", version: "1.1.0", projectName: "fleet", sizeBytes, seed: 2 });
  const { manifest, version, image } = await packageForFleet(folder, bytes, { qos, rate });
  const fleet = ["--devices", String(devices), "--before", image, "--json"];
  const simulator = start("tinybms-sim", "run", "--broker", await balancer.listen(), ...fleet);
  const simulated = ended(simulator);

  await untilOnline(thirdUrl, devices);

  const watch = await FleetWatch.connect(thirdUrl, devices);
  const deploy = (url: string, ...args: readonly string[]) =>
    start(
      ...(["tinybms-ota", "deploy", "--manifest", manifest, "--version", version, "--broker", url, "--json"] as const),
      ...["--expect", String(devices), "--timeout", String(timeout), ...args],
    );
  const startedAt = performance.now();
  const first = deploy(firstUrl);
  const firstEnded = ended(first);
  await watch.untilMedian(Number.MIN_VALUE);

  const second = deploy(secondUrl, "--join");
  const joined = ended(second);
  try {
    await watch.untilMedian(0.5);

    const killedAt = watch.median;
    await cluster.kill(0);
    await watch.untilConfirmed(timeout * 1_000);
    const wallS = (performance.now() - startedAt) / 1_000;

    const { code, stdout } = await joined;
    const { deliveries } = JSON.parse(stdout) as { deliveries: readonly { readonly chunksSent: number }[] };
    const chunks = Math.ceil(sizeBytes / 4_096);
    const ofJoined = { exitCode: code, images: (deliveries[0]?.chunksSent ?? 0) / chunks };
    const { confirmed, states } = watch;
    const { connections } = balancer;
    return { confirmed, states, killedAt, connections, joined: ofJoined, images: watch.chunks / chunks, wallS };
  } finally {
    first.kill("SIGKILL");
    second.kill("SIGKILL");
    await firstEnded;
    await watch.close();
    simulator.kill("SIGINT");
    await simulated;
    balancer.close();
    await cluster.close();

    await rm(folder, { recursive: true, force: true });
  }
}

/** Three NATS servers with JetStream, which MQTT needs. */
class Cluster {
  /** Ports for MQTT, by node. */
  readonly ports: readonly number[];
  readonly #nodes: readonly ChildProcess[];

  private constructor(ports: readonly number[], nodes: readonly ChildProcess[]) {
    this.ports = ports;
    this.#nodes = nodes;
  }

  /** Starts the nodes; all answer when the promise is fulfilled. */
  static async start(nats: string, folder: string): Promise<Cluster> {
    const numbers = Array.from({ length: NODES }, (_, index) => index);
    const [ports, clients, routes] = [[], [], []] as [number[], number[], number[]];
    for (const list of [ports, clients, routes]) for (const _ of numbers) list.push(await freePort());
    const nodes: ChildProcess[] = [];
    for (const index of numbers) {
      const file = join(folder, `node-${index}.conf`);
      const others = routes.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
      await writeFile(
        file,
        [
          `server_name: node-${index}`,
          `listen: "127.0.0.1:${clients[index]}"`,
          `jetstream { store_dir: "${join(folder, `store-${index}`)}" }`,
          `cluster { name: fleet, listen: "127.0.0.1:${routes[index]}", routes: [${others}] }`,
          `mqtt { listen: "127.0.0.1:${ports[index]}", stream_replicas: 3, consumer_replicas: 3 }`,
          "",
        ].join("\n"),
      );
      nodes.push(spawn(nats, ["-c", file, "-l", join(folder, `node-${index}.log`)], { stdio: "ignore" }));
    }
    const cluster = new Cluster(ports, nodes);
    for (const port of ports) await untilAnswering(`mqtt://127.0.0.1:${port}`);
    return cluster;
  }

  async kill(index: number): Promise<void> {
    const node = this.#nodes[index];
    if (node === undefined || node.exitCode !== null || node.signalCode !== null) return;
    const closed = once(node, "close");
    node.kill("SIGKILL");
    await closed;
  }

  async close(): Promise<void> {
    for (const index of this.#nodes.keys()) await this.kill(index);
  }
}

/** Waits until a node accepts MQTT connections: the cluster elects a leader first. */
async function untilAnswering(url: string): Promise<void> {
  for (let attempt = 0; attempt < 60; attempt++) {
    try {
      const client = await connectAsync(url, { reconnectPeriod: 0, connectTimeout: 5_000 }, false);
      return await client.endAsync(true);
    } catch {
      await delay(500);
    }
  }
  throw new Error(`${url} does not answer`);
}

/** Spreads TCP connections over the nodes in turn. Goes on to the next node if one does not accept. */
class Balancer {
  /** Connections so far, by node. */
  readonly connections: number[];
  readonly #ports: readonly number[];
  readonly #server: Server = createServer((socket) => this.#forward(socket, this.#next++, 0));
  readonly #sockets = new Set<Socket>();
  #next = 0;

  constructor(ports: readonly number[]) {
    this.#ports = ports;
    this.connections = ports.map(() => 0);
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #forward(socket: Socket, turn: number, failures: number): void {
    const index = turn % this.#ports.length;
    const node = connect(this.#ports[index] ?? 0, "127.0.0.1");
    let isConnected = false;
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    node.on("connect", () => {
      isConnected = true;
      this.connections[index] = (this.connections[index] ?? 0) + 1;
      socket.pipe(node).pipe(socket);
      socket.on("close", () => node.destroy());
    });
    node.on("error", () => undefined);
    node.on("close", () => {
      if (isConnected || failures === this.#ports.length) socket.destroy();
      else this.#forward(socket, turn + 1, failures + 1);
    });
    socket.on("close", () => this.#sockets.delete(socket));
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      nats: { type: "string", default: "nats-server" },
      devices: { type: "string", default: "300" },
      size: { type: "string", default: "1284976" },
      rate: { type: "string", default: "65536" },
      qos: { type: "string", default: "1" },
      timeout: { type: "string", default: "900" },
    },
  });
  const [devices, sizeBytes, rate] = [Number(values.devices), Number(values.size), Number(values.rate)];
  const result = await deliverOnCluster({
    ...{ nats: values.nats, devices, sizeBytes, rate },
    qos: values.qos === "0" ? 0 : 1,
    timeout: Number(values.timeout),
  });
  console.log(JSON.stringify(result, undefined, 2));
  if (result.confirmed !== devices || result.joined.exitCode !== 0) process.exitCode = 1;
}
