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
import { buildAppImage } from "@tinybms/ota-core/esp";
import { createRandom } from "../firmware-sim/src/random/random.ts";
import { startMosquitto } from "../packages/ota-publisher/test/mosquitto-broker.ts";
import { PacketType, PublishFlag } from "../packages/ota-publisher/test/mqtt-packets.ts";
import { type PacketRule, startPacketProxy } from "../packages/ota-publisher/test/packet-proxy.ts";
import { ended, packageForFleet, start, untilOnline } from "./fleet-processes.ts";
import { FleetWatch } from "./fleet-watch.ts";

/** One delivery. */
export interface FaultyDelivery {
  readonly devices: number;
  readonly sizeBytes: number;
  /** Bytes per second. */
  readonly rate: number;
  /** Share of the messages that is lost. */
  readonly loss: number;
  /** Limit in seconds. */
  readonly timeout: number;
}

/** Result of a {@link FaultyDelivery}. */
export interface FaultyResult {
  readonly confirmed: number;
  /** Devices by state. */
  readonly states: Readonly<Record<string, number>>;
  /** Share that the median device had when the first publisher was killed. */
  readonly killedAt: number;
  /** Exit code of the publisher that joined, and images that it sent. */
  readonly joined: { readonly exitCode: number | null; readonly images: number };
  /** Images that the broker passed on, of both publishers. */
  readonly images: number;
  readonly wallS: number;
  readonly lost: number;
  readonly broken: number;
  readonly restarts: number;
}

/** Connections break a tenth as often as chunks are lost. */
const BREAKS_PER_LOSS = 0.1;

/** Runs a delivery through its faults. */
export async function deliverThroughFaults(delivery: FaultyDelivery): Promise<FaultyResult> {
  const { devices, sizeBytes, rate, loss, timeout } = delivery;
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
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const bytes = buildAppImage({ chip: "esp32", version: "1.1.0", projectName: "fleet", sizeBytes, seed: 2 });
  const { manifest, version, image } = await packageForFleet(folder, bytes, { broker: url, qos: 0, rate });
  const fleet = ["--devices", String(devices), "--before", image, "--json"];
  const simulator = start("tinybms-sim", "run", "--broker", proxy.url, ...fleet);
  const simulated = ended(simulator);
  await untilOnline(url, devices);
  const watch = await FleetWatch.connect(url, devices);
  const deploy = (...args: readonly string[]) =>
    start(
      ...(["tinybms-ota", "deploy", "--manifest", manifest, "--version", version, "--json"] as const),
      ...["--expect", String(devices), "--timeout", String(timeout), ...args],
    );
  const startedAt = performance.now();
  const first = deploy();
  const killed = ended(first);
  await watch.untilMedian(Number.MIN_VALUE);
  const second = deploy("--join");
  const joined = ended(second);
  try {
    await watch.untilMedian(0.25);
    await restart();
    await watch.untilMedian(0.5);
    const killedAt = watch.median;
    first.kill("SIGKILL");
    await killed;
    await watch.untilMedian(0.75);
    await restart();
    await watch.untilConfirmed(timeout * 1_000);
    const wallS = (performance.now() - startedAt) / 1_000;
    const { code, stdout } = await joined;
    const { deliveries } = JSON.parse(stdout) as { deliveries: readonly { readonly chunksSent: number }[] };
    const chunks = Math.ceil(sizeBytes / 4_096);
    const ofJoined = { exitCode: code, images: (deliveries[0]?.chunksSent ?? 0) / chunks };
    const { confirmed, states } = watch;
    return { confirmed, states, killedAt, joined: ofJoined, images: watch.chunks / chunks, wallS, ...counts };
  } finally {
    first.kill("SIGKILL");
    second.kill("SIGKILL");
    await watch.close();
    simulator.kill("SIGINT");
    await simulated;
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
  const { values } = parseArgs({
    options: {
      devices: { type: "string", default: "300" },
      size: { type: "string", default: "1284976" },
      rate: { type: "string", default: "65536" },
      loss: { type: "string", default: "0.02" },
      timeout: { type: "string", default: "900" },
    },
  });
  const [devices, sizeBytes, rate] = [Number(values.devices), Number(values.size), Number(values.rate)];
  const result = await deliverThroughFaults({
    ...{ devices, sizeBytes, rate },
    loss: Number(values.loss),
    timeout: Number(values.timeout),
  });
  console.log(JSON.stringify(result, undefined, 2));
  if (result.confirmed !== devices || result.joined.exitCode !== 0) process.exitCode = 1;
}
