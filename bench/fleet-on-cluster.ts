/**
 * `npx node --conditions=@tinybms/source bench/fleet-on-cluster.ts`: delivers an image to simulated devices through a cluster of
 * three NATS servers on this machine, and kills one of them half-way. Builds the server with Go, unless `--nats` names one.
 *
 * Devices connect through a balancer that spreads them over the nodes. The publisher that makes the offer is on the first node,
 * one that joins it on the second. The first node is killed, so that a third of the devices, and that publisher, lose it for good.
 *
 * Devices subscribe at QoS 0: at QoS 1 each subscription is a consumer of JetStream with a leader to elect. `--subscribe-qos 1`
 * and `--mqtt SETTINGS`, which go into the block `mqtt` of each node, show what that costs.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ConnectionBalancer } from "./connection-balancer.ts";
import {
  DELIVERY_OPTIONS,
  deliverByTwo,
  deliveryOf,
  printResult,
  type TwoPublisherDelivery,
  type TwoPublisherResult,
} from "./fleet-with-two-publishers.ts";
import { getNats, NatsCluster } from "./nats-cluster.ts";

/** Settings of {@link deliverOnCluster}. */
export interface ClusterSettings {
  /** Path of `nats-server`. */
  readonly nats: string;
  /** Settings of NATS in the block `mqtt`. */
  readonly mqtt: string;
  /** QoS of chunks. */
  readonly qos: 0 | 1;
  /** QoS of the devices' subscriptions. */
  readonly subscribeQos: 0 | 1;
}

/** Result of {@link deliverOnCluster}. */
export interface ClusterResult extends TwoPublisherResult {
  /** Connections of devices by node, from the start to the end. */
  readonly connections: readonly number[];
}

/** Runs a delivery on a cluster. */
export async function deliverOnCluster(
  delivery: TwoPublisherDelivery,
  settings: ClusterSettings,
): Promise<ClusterResult> {
  const folder = await mkdtemp(join(tmpdir(), "tinybms-cluster-"));
  let cluster: NatsCluster | undefined;
  let balancer: ConnectionBalancer | undefined;
  try {
    const nodes = await NatsCluster.start(settings.nats, folder, settings.mqtt);
    cluster = nodes;
    balancer = new ConnectionBalancer(nodes.urls);
    const [first = "", joined = "", watch = ""] = nodes.urls;
    const result = await deliverByTwo(delivery, {
      folder,
      urls: { devices: await balancer.listen(), first, joined, watch },
      qos: settings.qos,
      simulatorOptions: ["--subscribe-qos", String(settings.subscribeQos)],
      events: [{ at: 0.5, happen: () => nodes.kill(0) }],
    });
    return { ...result, connections: balancer.connections };
  } finally {
    balancer?.close();
    await cluster?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      ...DELIVERY_OPTIONS,
      nats: { type: "string" },
      mqtt: { type: "string", default: "" },
      qos: { type: "string", default: "1" },
      "subscribe-qos": { type: "string", default: "0" },
    },
  });
  const qosOf = (text: string): 0 | 1 => (text === "0" ? 0 : 1);
  const delivery = deliveryOf(values);
  const result = await deliverOnCluster(delivery, {
    nats: values.nats ?? (await getNats()),
    mqtt: values.mqtt,
    qos: qosOf(values.qos),
    subscribeQos: qosOf(values["subscribe-qos"]),
  });
  printResult(result, delivery);
}
