import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { equalBytes, parseStateReport, topicsOf } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { connectAsync } from "mqtt";
import { afterEach, expect, test, vi } from "vitest";
import { PacketType } from "../../packages/ota-publisher/test/mqtt-packets.ts";
import { startPacketProxy } from "../../packages/ota-publisher/test/packet-proxy.ts";
import { partitionBytes } from "../src/device/device-partitions.ts";
import type { DeviceConnectOptions } from "../src/mqtt/connect-options.ts";
import { type Publication, publishImage } from "../src/simulation/publish-image.ts";
import {
  connectDevice,
  createDevice,
  type DeviceConnection,
  type DeviceLogEntry,
  type DeviceSpec,
  parseFault,
  startEmbeddedBroker,
  untilState,
} from "../src/testkit/index.ts";
import { publishOver } from "./mqtt-publisher.ts";

const TOPIC_ROOT = "test/ota";
const PRODUCT = "Test";
const CHUNKS = 32;
/** Longer than anything here takes, in milliseconds. */
const HANG_MS = 600_000;
const OLD = buildAppImage({ version: "1.0.0", sizeBytes: CHUNKS * 4096, seed: 1 });
const NEW = buildAppImage({ version: "2.0.0", sizeBytes: CHUNKS * 4096, seed: 2 });

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function startBroker(): Promise<string> {
  const broker = await startEmbeddedBroker({});
  ends.push(() => broker.close());
  return broker.url;
}

function startDevice(
  url: string,
  id: string,
  { subscribeQos, ...spec }: Partial<DeviceSpec> & Pick<DeviceConnectOptions, "subscribeQos"> = {},
): { connection: DeviceConnection; log: DeviceLogEntry[] } {
  const log: DeviceLogEntry[] = [];
  const device = createDevice({ id, app: OLD, topicRoot: TOPIC_ROOT, product: PRODUCT, ...spec });
  const options = { faults: spec.faults ?? [], subscribeQos, onLog: (entry: DeviceLogEntry) => log.push(entry) };
  const connection = connectDevice(device, url, options);
  ends.push(() => connection.stop());
  return { connection, log };
}

async function publish(url: string, install?: Publication["install"]): Promise<void> {
  const publisher = publishImage({ image: NEW, topicRoot: TOPIC_ROOT, product: PRODUCT, install });
  ends.push(await publishOver(url, TOPIC_ROOT, publisher));
}

test("installs and confirms an update on a real broker", async () => {
  const url = await startBroker();
  const { connection, log } = startDevice(url, "bench-1");
  await publish(url);
  await untilState(connection, "confirmed");
  const { device } = connection;
  expect(device.summary()).toMatchObject({ version: "2.0.0", slot: "ota_1", bootCount: 2 });
  expect(equalBytes(partitionBytes(device.hardware.flash, "ota_1", NEW.length), NEW)).toBe(true);
  const states = log.flatMap((entry) => (entry.type === "state" ? [entry.state] : []));
  expect(states).toEqual(["idle", "checking", "downloading", "ready-to-reboot", "pending-verify", "confirmed"]);
});

test("connects fewer than ten times in ten seconds to a broker that accepts and closes", async () => {
  const connectionsAt: number[] = [];
  const connack = Buffer.from([0x20, 0x02, 0x00, 0x00]);
  const server = createServer((socket) => {
    socket
      .on("error", () => undefined)
      .once("data", () => {
        connectionsAt.push(performance.now());
        socket.end(connack);
      });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(async () => void server.close());
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
  const beginsAt = performance.now();
  startDevice(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, "bench-1");
  ends.push(async () => void vi.useRealTimers());
  // The virtual clock moves on only when the sockets are at rest, so that no connection is lost to a slow machine.
  while (performance.now() - beginsAt < 15_000) {
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    await vi.advanceTimersByTimeAsync(50);
  }
  const early = connectionsAt.filter((ms) => ms - beginsAt < 10_000).length;
  expect(early).toBeLessThan(10);
  expect(early).toBeGreaterThan(3);
});

test("reconnects after a power cut and finishes the update", async () => {
  const url = await startBroker();
  const watcher = await connectAsync(url);
  ends.push(() => watcher.endAsync());
  const online: boolean[] = [];
  watcher.on("message", (_topic, payload) => online.push(parseStateReport(payload).online));
  await watcher.subscribeAsync(topicsOf(TOPIC_ROOT).stateFilter);
  const { connection } = startDevice(url, "bench-2", { faults: [parseFault("bench-2:power-cut@at=50%,offMs=200")] });
  await publish(url);
  await untilState(connection, "confirmed");
  expect(connection.device.powerCutCount).toBe(1);
  expect(connection.device.totals.chunksUseful - CHUNKS).toBeLessThanOrEqual(3);
  expect(online).toContain(false);
  expect(online.at(-1)).toBe(true);
});

test("continues an interrupted delivery under another offer", async () => {
  const url = await startBroker();
  const { connection } = startDevice(url, "bench-1");
  const slow = publishImage({ image: NEW, topicRoot: TOPIC_ROOT, product: PRODUCT, sender: { rate: 20_000 } });
  const interrupt = await publishOver(url, TOPIC_ROOT, slow);
  await vi.waitUntil(() => connection.device.totals.chunksUseful > 2, { timeout: HANG_MS });
  await interrupt();
  const again = publishImage({ image: NEW, topicRoot: TOPIC_ROOT, product: PRODUCT, sequence: 2 });
  ends.push(await publishOver(url, TOPIC_ROOT, again));
  await untilState(connection, "confirmed");
  expect(connection.device.totals.chunksUseful).toBeLessThanOrEqual(CHUNKS + 4);
});

test("leaves its last report behind when it stops as soon as its offer ended", async () => {
  const url = await startBroker();
  const reports: string[] = [];
  const watcher = await connectAsync(url);
  ends.push(() => watcher.endAsync());
  watcher.on("message", (_topic, payload) => {
    const { state, online } = parseStateReport(payload);
    reports.push(`${state} ${online}`);
  });
  await watcher.subscribeAsync(topicsOf(TOPIC_ROOT).stateFilter);
  const other = buildAppImage({ version: "2.0.0", projectName: "other", sizeBytes: CHUNKS * 4096, seed: 2 });
  const sender = publishImage({ image: other, topicRoot: TOPIC_ROOT, product: PRODUCT });
  const { connection } = startDevice(url, "bench-1");
  ends.push(await publishOver(url, TOPIC_ROOT, sender));
  await untilState(connection, "failed");
  await connection.stop();
  await expect.poll(() => reports.at(-1)).toBe("failed false");
  expect(reports).toContain("failed true");
});

test("reports how its offer ended although the connection broke while it was about to renew its will", async () => {
  const url = await startBroker();
  let broken = 0;
  // Longer than a device waits for acknowledgements.
  const isAway = () => broken > 0 && broken <= 6;
  const proxy = await startPacketProxy(
    Number(new URL(url).port),
    ({ type, bytes }) => {
      const isEnd = type === PacketType.publish && broken === 0 && bytes.includes('"state":"confirmed"');
      if (!isEnd && !(type === PacketType.connect && isAway())) return "pass";
      broken++;
      return "break";
    },
    () => "pass",
  );
  ends.push(() => proxy.close());
  const client = await connectAsync(url);
  ends.push(() => client.endAsync());
  const isReported = new Promise<void>((resolve) => {
    client.on("message", (_topic, payload) => {
      const { state, online } = parseStateReport(payload);
      if (state === "confirmed" && online) resolve();
    });
  });
  await client.subscribeAsync(topicsOf(TOPIC_ROOT).state("bench-1"), { qos: 1 });
  startDevice(proxy.url, "bench-1");
  await publish(url);
  await isReported;
  expect(broken).toBeGreaterThan(6);
});

test.each([
  ["breaks", undefined],
  ["refuses", 3],
])("keeps an image on probation while the broker %s connections", async (_, returnCode) => {
  const url = await startBroker();
  // With waits that double from 100 ms, six are longer than the probation.
  const isAway = () => connections > 1 && connections < 8;
  let connections = 0;
  const proxy = await startPacketProxy(
    Number(new URL(url).port),
    ({ type }) => {
      if (type === PacketType.connect) connections++;
      return type === PacketType.connect && isAway() && returnCode === undefined ? "break" : "pass";
    },
    ({ type, bytes }) => {
      if (type === PacketType.connack && isAway() && returnCode !== undefined) bytes[3] = returnCode;
      return "pass";
    },
  );
  ends.push(() => proxy.close());
  const { connection, log } = startDevice(proxy.url, "bench-1");
  await publish(url, { probation_ms: 1_000 });
  await untilState(connection, "confirmed");
  expect(connections).toBeGreaterThanOrEqual(8);
  expect(log.filter(({ type }) => type === "booted")).toHaveLength(2);
});

test("subscribes again to what a broker refused for a time", async () => {
  const url = await startBroker();
  const SUBACK = 9;
  let [subscribed, refused] = [0, 0];
  const proxy = await startPacketProxy(
    Number(new URL(url).port),
    ({ type }) => {
      if (type === PacketType.subscribe) subscribed++;
      return "pass";
    },
    ({ type, bytes }) => {
      if (type === SUBACK && refused++ < 2) bytes[bytes.length - 1] = 0x80;
      return "pass";
    },
  );
  ends.push(() => proxy.close());
  startDevice(proxy.url, "bench-1");
  // A device without a key set subscribes to two offer topics.
  await vi.waitUntil(() => subscribed === 4, HANG_MS);
});

test("updates over a broken connection with subscriptions at QoS 0", async () => {
  const url = await startBroker();
  const qosOfSubscriptions = new Set<number | undefined>();
  let passed = 0;
  const proxy = await startPacketProxy(
    Number(new URL(url).port),
    ({ type, bytes }) => {
      if (type === PacketType.subscribe) qosOfSubscriptions.add(bytes.at(-1));
      return "pass";
    },
    ({ type, bytes }) => (type === PacketType.publish && bytes.includes("/chunk") && ++passed === 8 ? "break" : "pass"),
  );
  ends.push(() => proxy.close());
  const { connection } = startDevice(proxy.url, "bench-1", { subscribeQos: 0 });
  await publish(url);
  await untilState(connection, "confirmed");
  expect(passed).toBeGreaterThan(CHUNKS);
  expect([...qosOfSubscriptions]).toEqual([0]);
});

test("rolls back after a failing self-test", async () => {
  const url = await startBroker();
  const { connection } = startDevice(url, "bench-3", { faults: [parseFault("bench-3:self-test=fail")] });
  await publish(url);
  await untilState(connection, "rolled-back");
  expect(connection.device.summary()).toMatchObject({ version: "1.0.0", error: { code: "delivery/self-test-failed" } });
});

test("finishes despite lost and duplicated chunks", async () => {
  const url = await startBroker();
  const faults = [parseFault("*:lose=chunk,probability=0.2"), parseFault("*:duplicate=chunk,probability=0.2")];
  const timing = { retryMs: 300 };
  const { connection } = startDevice(url, "bench-4", { faults, timing });
  await publish(url);
  await untilState(connection, "confirmed");
});

test("reports itself offline when it is stopped", async () => {
  const url = await startBroker();
  const { connection } = startDevice(url, "bench-5");
  await new Promise<void>((resolve) => {
    connection.watch(() => {
      if (connection.isOnline) resolve();
    });
  });
  await connection.stop();
  const watcher = await connectAsync(url);
  ends.push(() => watcher.endAsync());
  const said = new Promise<Uint8Array>((resolve) => watcher.on("message", (_topic, payload) => resolve(payload)));
  await watcher.subscribeAsync(topicsOf(TOPIC_ROOT).state("bench-5"));
  expect(parseStateReport(await said)).toMatchObject({ device: "bench-5", state: "idle", online: false });
});

test("reports the actual state if the awaited state does not occur", async () => {
  const url = await startBroker();
  const { connection } = startDevice(url, "bench-6");
  await expect(untilState(connection, "confirmed", { timeoutMs: 50 })).rejects.toThrow(
    "bench-6 is not confirmed after 50 ms but running, idle",
  );
});
