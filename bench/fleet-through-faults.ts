/**
 * `npx node --conditions=@tinybms/source bench/fleet-through-faults.ts`: delivers an image to simulated devices through what goes
 * wrong. Devices lose messages, the publisher that made the offer is killed half-way, one that joined goes on, and Mosquitto
 * restarts twice with its store.
 *
 * TCP loses nothing, so loss is made between the devices and the broker: of the chunks, which go at QoS 0, a share does not
 * arrive. A message at QoS 1 can't be lost while its connection stands, so in its place the connection breaks, a tenth as often.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createRandom } from "../firmware-sim/src/random/random.ts";
import { startMosquitto } from "../packages/ota-publisher/test/mosquitto-broker.ts";
import { PacketType, PublishFlag } from "../packages/ota-publisher/test/mqtt-packets.ts";
import { type PacketRule, startPacketProxy } from "../packages/ota-publisher/test/packet-proxy.ts";
import {
  DELIVERY_OPTIONS,
  deliverByTwo,
  deliveryOf,
  printResult,
  type TwoPublisherDelivery,
  type TwoPublisherResult,
} from "./fleet-with-two-publishers.ts";

/** Result of {@link deliverThroughFaults}. */
export interface FaultyResult extends TwoPublisherResult {
  readonly lost: number;
  readonly broken: number;
  readonly restarts: number;
}

/** Connections break a tenth as often as chunks are lost. */
const BREAKS_PER_LOSS = 0.1;

/** Runs a delivery through its faults. @param loss - Share of the messages that is lost. */
export async function deliverThroughFaults(delivery: TwoPublisherDelivery, loss: number): Promise<FaultyResult> {
  const folder = await mkdtemp(join(tmpdir(), "tinybms-faults-"));
  const store = ["persistence true", `persistence_location ${folder}/`];
  const queues = ["max_queued_messages 0", "max_inflight_messages 100"];
  const configuration = ["allow_anonymous true", ...queues, ...store];
  let broker = await startMosquitto(folder, configuration);
  const counts = { lost: 0, broken: 0, restarts: 0 };
  const rule = lossRule(loss, counts);
  const proxy = await startPacketProxy(broker.port, rule, rule);
  const restart = async (): Promise<void> => {
    await broker.stop();
    broker = await startMosquitto(folder, configuration, broker.port);
    counts.restarts++;
  };
  let restarting: Promise<void> | undefined;
  const url = `mqtt://127.0.0.1:${broker.port}`;
  try {
    const result = await deliverByTwo(delivery, {
      folder,
      urls: { devices: proxy.url, first: url, joined: url, watch: url },
      qos: 0,
      events: [
        { at: 0.25, happen: () => (restarting = restart()) },
        { at: 0.5, happen: (killFirst) => killFirst() },
        { at: 0.75, happen: () => (restarting = restart()) },
      ],
    });
    return { ...result, ...counts };
  } finally {
    await restarting;
    await proxy.close();
    await broker.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Loses PUBLISH packets at QoS 0, and breaks the connections of others. */
function lossRule(loss: number, counts: { lost: number; broken: number }): PacketRule {
  const random = createRandom(1);
  return ({ type, bytes }) => {
    if (type !== PacketType.publish) return "pass";
    const canBeLost = ((bytes[0] ?? 0) & PublishFlag.qos1) === 0;
    if (!random.bool(canBeLost ? loss : loss * BREAKS_PER_LOSS)) return "pass";
    if (canBeLost) counts.lost++;
    else counts.broken++;
    return canBeLost ? "lose" : "break";
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { ...DELIVERY_OPTIONS, loss: { type: "string", default: "0.02" } } });
  const delivery = deliveryOf(values);
  printResult(await deliverThroughFaults(delivery, Number(values.loss)), delivery);
}
