import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connectAsync } from "mqtt";
import { goInstall } from "../scripts/brokers/registries.ts";
import { freePort } from "../test/free-port.ts";

/** Version of the server that {@link getNats} gets. */
const VERSION = "2.15.3";
const FOLDER = fileURLToPath(new URL(`../.cache/nats-server-${VERSION}`, import.meta.url));
const NODES = 3;

/** Builds the NATS server with Go, or takes the one that was built before. @returns Path of the command. */
export async function getNats(): Promise<string> {
  const built = join(FOLDER, "bin/nats-server");
  if (existsSync(built)) return built;
  return await goInstall(FOLDER, `github.com/nats-io/nats-server/v2@v${VERSION}`, "nats-server");
}

/** Three NATS servers on this machine, with JetStream, which MQTT needs. */
export class NatsCluster {
  /** URLs for MQTT, by node. */
  readonly urls: readonly string[];
  readonly #nodes: readonly ChildProcess[];

  private constructor(urls: readonly string[], nodes: readonly ChildProcess[]) {
    this.urls = urls;
    this.#nodes = nodes;
  }

  /**
   * Starts the nodes; all answer when the promise is fulfilled.
   *
   * @param nats - Path of `nats-server`.
   * @param folder - For stores and logs.
   * @param mqtt - Settings that are added to the block `mqtt`.
   */
  static async start(nats: string, folder: string, mqtt = ""): Promise<NatsCluster> {
    const numbers = Array.from({ length: NODES }, (_, index) => index);
    const [ports, clients, routes] = [[], [], []] as [number[], number[], number[]];
    for (const list of [ports, clients, routes]) for (const _ of numbers) list.push(await freePort());
    const nodes: ChildProcess[] = [];
    for (const index of numbers) {
      const file = join(folder, `node-${index}.conf`);
      const others = routes.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
      const lines = [
        `server_name: node-${index}`,
        `listen: "127.0.0.1:${clients[index]}"`,
        `jetstream { store_dir: "${join(folder, `store-${index}`)}" }`,
        `cluster { name: fleet, listen: "127.0.0.1:${routes[index]}", routes: [${others}] }`,
        `mqtt { listen: "127.0.0.1:${ports[index]}", stream_replicas: 3, consumer_replicas: 3`,
        ...[mqtt, "}", ""],
      ];
      await writeFile(file, lines.join("\n"));
      nodes.push(spawn(nats, ["-c", file, "-l", join(folder, `node-${index}.log`)], { stdio: "ignore" }));
    }
    const cluster = new NatsCluster(
      ports.map((port) => `mqtt://127.0.0.1:${port}`),
      nodes,
    );
    try {
      for (const url of cluster.urls) await untilAnswering(url);
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** Kills a node with SIGKILL. */
  async kill(index: number): Promise<void> {
    const node = this.#nodes[index];
    if (node === undefined || node.exitCode !== null || node.signalCode !== null) return;
    const closed = once(node, "close");
    node.kill("SIGKILL");
    await closed;
  }

  /** Kills all nodes. */
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
