import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { networkInterfaces } from "node:os";
import { isOtaError } from "@tinybms/ota-core";
import fc from "fast-check";
import { connect, type MqttClient } from "mqtt";
import { expect, onTestFinished, test } from "vitest";
import { guardClient } from "../src/client.ts";
import {
  closed,
  connectClient,
  connectClientFrom,
  mayPublish,
  maySubscribe,
  openSocket,
  startBroker,
} from "./broker-clients.ts";

/** CONNECT of MQTT 3.1.1, clean session, keep-alive 60 s, without a client identifier. */
const CONNECT = Uint8Array.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 0]);
/** The same of MQTT 5, without properties: the broker speaks 3.1.1 alone. */
const CONNECT_5 = Uint8Array.from([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 60, 0, 0, 0]);
const ROOT = "tinybms/gateway/ota";

test("ends a connection without CONNECT in time, also one that sends single bytes", async () => {
  const { broker } = await startBroker({ limits: { connectTimeoutMs: 150 } });
  const [silent, slow] = [await openSocket(broker.port), await openSocket(broker.port)];
  let sent = 0;
  const drip = setInterval(() => slow.write(CONNECT.subarray(sent, ++sent)), 40);
  onTestFinished(() => clearInterval(drip));
  await Promise.all([closed(silent), closed(slow)]);
  expect(sent).toBeLessThan(CONNECT.length);
});

test("limits connections from this machine, and reuses a closed one", async () => {
  const { broker, refusals } = await startBroker({ limits: { localConnectionsMax: 8 } });
  const sockets = await Promise.all(Array.from({ length: 8 }, () => openSocket(broker.port)));
  const surplus = await Promise.all(Array.from({ length: 50 }, () => openSocket(broker.port)));
  await Promise.all(surplus.map((socket) => closed(socket)));
  expect(refusals).toHaveLength(50);
  expect(refusals[0]).toEqual({
    address: "127.0.0.1",
    clientId: "",
    reason: "its address has reached the limit of 8 connections",
  });
  sockets[0]?.destroy();
  await expect
    .poll(() =>
      connectClient(broker.url).then(
        () => "connected",
        () => "refused",
      ),
    )
    .toBe("connected");
});

const lan = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === "IPv4" && !each.internal)?.address;

test.skipIf(lan === undefined)(
  `limits connections from another machine separately${lan === undefined ? " (skipped: this machine has no address but loopback)" : ""}`,
  async () => {
    const { broker } = await startBroker({ limits: { connectionsPerAddressMax: 1 } });
    await connectClientFrom(lan ?? "", broker.port);
    await expect(connectClientFrom(lan ?? "", broker.port)).rejects.toThrow();
    await connectClient(broker.url);
    await connectClient(broker.url);
  },
);

const DEEP = Array.from({ length: 33 }, () => "a").join("/");

test.for(["publish", "subscribe"] as const)(
  "a client that would %s a topic of 33 levels is ended, and the broker goes on",
  async (what) => {
    const { broker } = await startBroker();
    const client = await connectClient(broker.url);
    expect(await (what === "publish" ? mayPublish(client, DEEP) : maySubscribe(client, DEEP))).toBe(false);
    await expect.poll(() => client.connected).toBe(false);
    const other = await connectClient(broker.url);
    expect(await mayPublish(other, DEEP.slice(2))).toBe(true);
  },
);

test("limits the subscriptions of a client, and reuses one that was removed", async () => {
  const { broker, refusals } = await startBroker({ limits: { subscriptionsMax: 3 } });
  const client = await connectClient(broker.url);
  for (const filter of ["a", "b", "c", "c"]) expect(await maySubscribe(client, filter)).toBe(true);
  expect(await maySubscribe(client, "d")).toBe(false);
  expect(refusals.map(({ reason }) => reason)).toEqual(["it has reached its limit of 3 subscriptions"]);
  await client.unsubscribeAsync("a");
  expect(await maySubscribe(client, "d")).toBe(true);
});

test("grants filters of one large SUBSCRIBE up to the limit, and answers", async () => {
  const { broker } = await startBroker({ limits: { subscriptionsMax: 10 } });
  const client = await connectClient(broker.url);
  const filters = Array.from({ length: 5_000 }, (_, index) => `many/${index}`);
  const granted = await new Promise<number>((resolve) => {
    client.subscribe(filters, { qos: 1 }, (_error, grants, packet) => {
      const codes = packet?.granted ?? grants?.map(({ qos }) => qos) ?? [];
      resolve(codes.filter((code) => code !== 128).length);
    });
  });
  expect(granted).toBe(10);
});

/** PUBLISH at QoS 2 of an empty message on "t". */
const publishQos2 = (id: number): Uint8Array => Uint8Array.from([0x34, 5, 0, 1, 0x74, 0, id]);

test.for(["one by one", "at once"] as const)(
  "messages at QoS 2 that are sent %s and never released end their connection at the limit",
  async (way) => {
    const { broker } = await startBroker({ limits: { inflightQos2Max: 4 } });
    const socket = await openSocket(broker.port);
    socket.write(CONNECT);
    let received = 0;
    /** Behind CONNACK, PUBRECs of four bytes each. */
    const pubrecs = (): number => received / 4 - 1;
    socket.on("data", (bytes) => {
      received += bytes.length;
    });
    await once(socket, "data");
    const packets = [1, 2, 3, 4, 5].map(publishQos2);
    if (way === "at once") socket.write(Buffer.concat(packets));
    else {
      for (const packet of packets.slice(0, 4)) socket.write(packet);
      await expect.poll(pubrecs).toBe(4);
      socket.write(packets[4]!);
    }
    await closed(socket);
    expect(pubrecs()).toBeLessThanOrEqual(4);
  },
);

test("keeps running after any bytes, before and after CONNECT", async () => {
  const { broker } = await startBroker();
  const packet = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    // A packet of any type, whole, with anything in it.
    fc
      .tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 60 }))
      .map(([type, body]) => Uint8Array.from([type, body.length, ...body])),
  );
  const begin = fc.constantFrom(new Uint8Array(0), CONNECT, CONNECT_5);
  await fc.assert(
    fc.asyncProperty(begin, fc.array(packet, { maxLength: 6 }), async (first, packets) => {
      const socket = connectTcp(broker.port, broker.host).on("error", () => {});
      socket.resume().end(Buffer.concat([first, ...packets]));
      await closed(socket);
    }),
    { numRuns: 300 },
  );
  expect(await mayPublish(await connectClient(broker.url), "t")).toBe(true);
});

test("limits retained messages, and reuses the room of cleared ones", async () => {
  const { broker, refusals } = await startBroker({ limits: { retainedBytesMax: 10_000 } });
  const client = await connectClient(broker.url);
  expect(await mayPublish(client, "a", true, "x".repeat(8_000))).toBe(true);
  expect(await mayPublish(client, "b", false, "x".repeat(8_000))).toBe(true);
  expect(await mayPublish(client, "b", true, "x".repeat(8_000))).toBe(false);
  expect(refusals.map(({ reason }) => reason)).toEqual(["there is no room to retain a message of 8000 bytes"]);
  const again = await connectClient(broker.url);
  expect(await mayPublish(again, "a", true, "y".repeat(8_100))).toBe(true);
  expect(await mayPublish(again, "a", true, "")).toBe(true);
  expect(await mayPublish(again, "b", true, "x".repeat(8_000))).toBe(true);
});

test("refuses a message that is too large for its topic, and ends the connection", async () => {
  const { broker, refusals } = await startBroker();
  const client = await connectClient(broker.url, { clientId: "talker" });
  expect(await mayPublish(client, `${ROOT}/v1/device/bench-1/state`, true, "x".repeat(4_000))).toBe(false);
  expect(refusals).toEqual([
    {
      address: "127.0.0.1",
      clientId: "talker",
      reason: expect.stringMatching(
        /^the PUBLISH packet on "tinybms\/gateway\/ota\/v1\/device\/bench-1\/state" at byte \d+ of the connection announces 4\d{3} bytes; the limit is 2\d{3}$/,
      ),
    },
  ]);
});

test("accepts whole images only on the topics of its channels", async () => {
  const { broker } = await startBroker({ topicRoots: [ROOT] });
  const image = "x".repeat(300_000);
  expect(await mayPublish(await connectClient(broker.url), ROOT, false, image)).toBe(true);
  expect(await mayPublish(await connectClient(broker.url), "other", false, image)).toBe(false);
});

test("ends a client that does not read its messages, and serves the others", async () => {
  const { broker } = await startBroker({ limits: { drainTimeoutMs: 200 } });
  const frozen = await openSocket(broker.port);
  frozen.write(CONNECT);
  await once(frozen, "data");
  frozen.pause();
  frozen.write(Uint8Array.from([0x82, 6, 0, 1, 0, 1, 0x74, 0])); // SUBSCRIBE "t", QoS 0
  const [reader, writer] = [await connectClient(broker.url), await connectClient(broker.url)];
  await maySubscribe(reader, "t");
  let received = 0;
  reader.on("message", () => received++);
  for (let index = 0; index < 400; index++) writer.publish("t", Buffer.alloc(60_000), { qos: 0 });
  await expect.poll(() => received).toBe(400);
});

const connectedOf = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => client.once("connect", () => resolve()));

test("skips only a message that is too large for its topic in a guarded client", async () => {
  const { broker } = await startBroker();
  const topic = `${ROOT}/v1/device/bench-1/state`;
  const client = connect(broker.url, { reconnectPeriod: 0 });
  const named: string[] = [];
  const filter = guardClient(client, {
    onSkipped: ({ topic, sizeBytes, sizeMax }) => named.push(`${topic} ${sizeBytes} ${sizeMax}`),
  });
  onTestFinished(() => void client.end(true));
  const received: number[] = [];
  client.on("message", (from, payload) => {
    if (filter.admits(from, payload)) received.push(payload.length);
  });
  await connectedOf(client);
  await maySubscribe(client, "#");
  // Another topic of the broker stands in: the embedded broker itself would refuse a report of this size.
  const packets = [topic, topic, `${ROOT}/v1/offer`].map((from) => ({ from, payload: new Uint8Array(20_000) }));
  expect(packets.map(({ from, payload }) => filter.admits(from, payload))).toEqual([false, false, false]);
  const writer = await connectClient(broker.url);
  await mayPublish(writer, "other", false, "x".repeat(100_000));
  await mayPublish(writer, topic, true, "x".repeat(1_000));
  await expect.poll(() => received).toEqual([1_000]);
  expect(client.connected).toBe(true);
  expect(filter.skipped).toBe(4);
  expect(named).toEqual([`${topic} 20000 1024`, `${ROOT}/v1/offer 20000 4096`, "other 100000 65536"]);
});

test("reports what the broker did in a guarded client", async () => {
  const { broker } = await startBroker();
  const client = connect(broker.url, { reconnectPeriod: 0 });
  guardClient(client);
  onTestFinished(() => void client.end(true));
  await connectedOf(client);
  await maySubscribe(client, "#");
  const failed = new Promise<unknown>((resolve) => client.once("error", resolve));
  await mayPublish(await connectClient(broker.url), "image", false, "x".repeat(300_000));
  const error = await failed;
  expect(isOtaError(error, "protocol/too-large") && error.details).toEqual({
    message: "PUBLISH",
    size: 2 + 5 + 2 + 300_000,
    limit: 2 + 5 + 2 + 1_024 + 256 * 1024,
  });
});

test("accepts whole images on given topics in a guarded client, also after a reconnect", async () => {
  const { broker } = await startBroker();
  const client = connect(broker.url, { reconnectPeriod: 10 });
  guardClient(client, { blob: { topics: [ROOT], sizeMax: 400_000 } });
  onTestFinished(() => void client.end(true));
  const sizes: number[] = [];
  client.on("message", (_topic, payload) => sizes.push(payload.length));
  client.on("error", () => {});
  await connectedOf(client);
  const writer = await connectClient(broker.url);
  await maySubscribe(client, "#");
  for (let round = 1; round <= 3; round++) {
    await mayPublish(writer, ROOT, false, "x".repeat(350_000));
    await expect.poll(() => sizes).toHaveLength(round);
    const back = connectedOf(client);
    await mayPublish(writer, "other", false, "x".repeat(350_000));
    await back;
    await maySubscribe(client, "#");
  }
  expect(sizes).toEqual([350_000, 350_000, 350_000]);
});
