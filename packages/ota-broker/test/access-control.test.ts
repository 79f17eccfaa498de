import { networkInterfaces } from "node:os";
import type { IClientOptions, MqttClient } from "mqtt";
import { beforeAll, expect, test } from "vitest";
import { type BrokerUser, parsePasswordFile, passwordLine } from "../src/index.ts";
import {
  connectClient,
  connectClientFrom,
  mayPublish,
  maySubscribe,
  refusalOf,
  startBroker,
} from "./broker-clients.ts";

const ROOT = "tinybms/gateway/ota";
const IMAGE = "0123456789abcdef0123456789abcdef";
const CHEAP = { logCost: 10, blockSize: 8, parallelization: 1 };

let users: readonly BrokerUser[];

beforeAll(async () => {
  const lines = await Promise.all([
    passwordLine({ name: "bench-1", role: "device" }, "of-bench-1", CHEAP),
    passwordLine({ name: "bench-2", role: "device" }, "of-bench-2", CHEAP),
    passwordLine({ name: "ci", role: "publisher" }, "of-ci", CHEAP),
  ]);
  users = parsePasswordFile(lines.join("\n"), "users");
});

const as = (username: string): IClientOptions => ({ username, password: `of-${username}` });

/** The topics table of docs/protocol.md: topic; may device bench-1 publish, subscribe; may a publisher publish. */
const TABLE = [
  [`${ROOT}/v1/keys/1`, false, true, true],
  [`${ROOT}/v1/offer`, false, true, true],
  [`${ROOT}/v1/device/bench-1/offer`, false, true, true],
  [`${ROOT}/v1/device/bench-2/offer`, false, false, true],
  [`${ROOT}/v1/image/${IMAGE}/hashes`, false, true, true],
  [`${ROOT}/v1/image/${IMAGE}/chunk`, false, true, true],
  [`${ROOT}/v1/device/bench-1/chunk`, false, true, true],
  [`${ROOT}/v1/device/bench-2/chunk`, false, false, true],
  [`${ROOT}/v1/device/bench-1/request`, true, true, false],
  [`${ROOT}/v1/device/bench-2/request`, false, false, false],
  [`${ROOT}/v1/device/bench-1/state`, true, true, false],
  [`${ROOT}/v1/device/bench-2/state`, false, false, false],
  [ROOT, false, true, true],
  ["other/v1/offer", false, false, true],
  ["$SYS/broker", false, false, false],
] as const;

test("applies every row of the topics table to a device and a publisher", async () => {
  const { broker } = await startBroker({ users, topicRoots: [ROOT] });
  const again = async (client: MqttClient | undefined, username: string): Promise<MqttClient> =>
    client?.connected === true ? client : await connectClient(broker.url, as(username));
  let device: MqttClient | undefined;
  let publisher: MqttClient | undefined;
  for (const [topic, devicePublishes, deviceSubscribes, publisherPublishes] of TABLE) {
    device = await again(device, "bench-1");
    publisher = await again(publisher, "ci");
    const found = {
      deviceSubscribes: await maySubscribe(device, topic),
      publisherSubscribes: await maySubscribe(publisher, topic),
      devicePublishes: await mayPublish(device, topic),
      publisherPublishes: await mayPublish(publisher, topic),
    };
    const publisherSubscribes = !topic.startsWith("$");
    expect({ topic, ...found }).toEqual({
      topic,
      deviceSubscribes,
      publisherSubscribes,
      devicePublishes,
      publisherPublishes,
    });
  }
});

test.for(["#", `${ROOT}/#`, `${ROOT}/v1/device/+/state`, `${ROOT}/v1/image/+/chunk`, "+/+/+/v1/keys/+"])(
  "a device may not listen to %s, a publisher may",
  async (filter) => {
    const { broker, refusals } = await startBroker({ users, topicRoots: [ROOT] });
    expect(await maySubscribe(await connectClient(broker.url, as("bench-1")), filter)).toBe(false);
    expect(refusals.map(({ reason }) => reason)).toEqual([`it may not subscribe to ${JSON.stringify(filter)}`]);
    expect(await maySubscribe(await connectClient(broker.url, as("ci")), filter)).toBe(true);
  },
);

test("lets a device subscribe to all key sets", async () => {
  const { broker } = await startBroker({ users, topicRoots: [ROOT] });
  expect(await maySubscribe(await connectClient(broker.url, as("bench-1")), `${ROOT}/v1/keys/+`)).toBe(true);
});

test("delivers nothing that a device may not publish, and ends its connection", async () => {
  const { broker, refusals } = await startBroker({ users, topicRoots: [ROOT] });
  const [device, reader] = [await connectClient(broker.url, as("bench-1")), await connectClient(broker.url, as("ci"))];
  const topics: string[] = [];
  reader.on("message", (topic) => topics.push(topic));
  await maySubscribe(reader, "#");
  expect(await mayPublish(device, `${ROOT}/v1/offer`, true)).toBe(false);
  const other = await connectClient(broker.url, as("bench-2"));
  expect(await mayPublish(other, `${ROOT}/v1/device/bench-2/state`, true)).toBe(true);
  await expect.poll(() => topics).toEqual([`${ROOT}/v1/device/bench-2/state`]);
  expect(refusals.map(({ reason }) => reason)).toEqual([`it may not publish on "${ROOT}/v1/offer"`]);
});

test("publishes a will only on topics that its client may publish on", async () => {
  const { broker } = await startBroker({ users, topicRoots: [ROOT] });
  const reader = await connectClient(broker.url, as("ci"));
  const topics: string[] = [];
  reader.on("message", (topic) => topics.push(topic));
  await maySubscribe(reader, "#");
  for (const topic of [`${ROOT}/v1/offer`, `${ROOT}/v1/device/bench-2/state`, `${ROOT}/v1/device/bench-1/state`]) {
    const will = { topic, payload: Buffer.from("{}"), qos: 1 as const, retain: true };
    const device = await connectClient(broker.url, { ...as("bench-1"), will });
    device.stream.destroy();
  }
  await expect.poll(() => topics).toEqual([`${ROOT}/v1/device/bench-1/state`]);
});

test("limits the retained messages of one device, and leaves room for others", async () => {
  const limits = {
    retainedBytesMax: 1_000_000,
    retainedBytesPerDeviceMax: 2_500,
    retainedBytesPerPublisherMax: 10_000,
  };
  const { broker, refusals } = await startBroker({ users, limits });
  const publisher = await connectClient(broker.url, as("ci"));
  expect(await mayPublish(publisher, `${ROOT}/v1/offer`, true, "x".repeat(4_000))).toBe(true);
  const device = await connectClient(broker.url, as("bench-1"));
  const report = "x".repeat(1_000);
  expect(await mayPublish(device, `${ROOT}/v1/device/bench-1/state`, true, report)).toBe(true);
  expect(await mayPublish(device, `${ROOT}/v1/device/bench-1/request`, true, report)).toBe(false);
  expect(refusals.map(({ reason }) => reason)).toEqual(["there is no room to retain a message of 1000 bytes"]);
  const other = await connectClient(broker.url, as("bench-2"));
  expect(await mayPublish(other, `${ROOT}/v1/device/bench-2/state`, true, report)).toBe(true);
  expect(await mayPublish(publisher, `${ROOT}/v1/keys/2`, true, "x".repeat(4_000))).toBe(true);
  expect(await mayPublish(publisher, `${ROOT}/v1/keys/3`, true, "x".repeat(4_000))).toBe(false);
});

test("publishes a will only within the size limit of its topic", async () => {
  const { broker, refusals } = await startBroker({ users, topicRoots: [ROOT] });
  const reader = await connectClient(broker.url, as("ci"));
  const sizes: number[] = [];
  reader.on("message", (_topic, payload) => sizes.push(payload.length));
  await maySubscribe(reader, "#");
  for (const size of [1_025, 1_024]) {
    const topic = `${ROOT}/v1/device/bench-1/state`;
    const will = { topic, payload: Buffer.alloc(size, "x"), qos: 1 as const, retain: true };
    const device = await connectClient(broker.url, { ...as("bench-1"), will });
    device.stream.destroy();
  }
  await expect.poll(() => sizes).toEqual([1_024]);
  expect(refusals.map(({ reason }) => reason)).toEqual([
    `its message of 1025 bytes is too large for "${ROOT}/v1/device/bench-1/state", which takes 1024`,
  ]);
});

test.for([
  ["no user name", 5, {}],
  ["a user name alone", 5, { username: "ci" }],
  ["a wrong password", 4, { username: "ci", password: "of-c1" }],
  ["an empty password", 4, { username: "ci", password: "" }],
  ["the beginning of the password", 4, { username: "ci", password: "of-c" }],
  ["a zero behind the password", 4, { username: "ci", password: "of-ci\0" }],
  ["another user's password", 4, { username: "ci", password: "of-bench-1" }],
  ["a name that nobody has", 4, { username: "nobody", password: "of-ci" }],
  ["an inherited name", 4, { username: "__proto__", password: "of-ci" }],
] as const)("refuses %s with code %i, before and after a correct login", async ([, code, options]) => {
  const { broker } = await startBroker({ users });
  expect(await refusalOf(broker.url, options)).toBe(code);
  await connectClient(broker.url, as("ci"));
  expect(await refusalOf(broker.url, options)).toBe(code);
});

test("checks hundreds of guesses one after the other, without delay for known clients", async () => {
  const slow = parsePasswordFile(await passwordLine({ name: "ci", role: "publisher" }, "of-ci"), "users");
  const { broker } = await startBroker({ users: slow });
  await connectClient(broker.url, as("ci"));
  const guesses = Array.from({ length: 100 }, (_, index) =>
    refusalOf(broker.url, { username: "ci", password: `guess ${index}` }),
  );
  const first = await Promise.race([
    connectClient(broker.url, as("ci")).then(() => "known"),
    Promise.all(guesses).then(() => "guesses"),
  ]);
  expect(first).toBe("known");
  // 64 may wait for their turn; the others are told at once that the broker is busy.
  await expect.poll(async () => (await Promise.race(guesses.slice(70))) === 3).toBe(true);
});

test("refuses to replace a connection with another user's client identifier", async () => {
  const { broker } = await startBroker({ users });
  const device = await connectClient(broker.url, { ...as("bench-1"), clientId: "tinybms-bench-1" });
  expect(await refusalOf(broker.url, { ...as("bench-2"), clientId: "tinybms-bench-1" })).toBe(2);
  expect(device.connected).toBe(true);
  // The same user may: it has lost its connection before the broker noticed.
  const again = await connectClient(broker.url, { ...as("bench-1"), clientId: "tinybms-bench-1" });
  await expect.poll(() => device.connected).toBe(false);
  expect(again.connected).toBe(true);
});

test("lets a local process do everything except publish on $ topics, without users", async () => {
  const { broker } = await startBroker();
  const client = await connectClient(broker.url);
  for (const topic of ["#", "$SYS/#", `${ROOT}/v1/device/+/state`])
    expect(await maySubscribe(client, topic)).toBe(true);
  for (const topic of [ROOT, `${ROOT}/v1/offer`, `${ROOT}/v1/device/bench-1/state`]) {
    expect(await mayPublish(client, topic)).toBe(true);
  }
  expect(await mayPublish(client, "$SYS/x")).toBe(false);
});

test("ends a session with its connection", async () => {
  const { broker } = await startBroker();
  const options: IClientOptions = { clientId: "lasting", clean: false };
  const first = await connectClient(broker.url, options);
  await maySubscribe(first, "news");
  first.stream.destroy();
  const second = await connectClient(broker.url, options);
  const topics: string[] = [];
  second.on("message", (topic) => topics.push(topic));
  await maySubscribe(second, "end");
  const writer = await connectClient(broker.url);
  await mayPublish(writer, "news");
  await mayPublish(writer, "end");
  await expect.poll(() => topics).toEqual(["end"]);
});

/** An address of this machine that a connection from 127.0.0.1 is not from. */
const lan = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === "IPv4" && !each.internal)?.address;

test.skipIf(lan === undefined)(
  `treats a client of another address as a device without users${lan === undefined ? " (skipped: this machine has no address but loopback)" : ""}`,
  async () => {
    const { broker, refusals } = await startBroker({ host: "0.0.0.0" });
    await mayPublish(await connectClient(broker.url), `${ROOT}/v1/offer`);
    // To 127.0.0.1 from the machine's address in its network: to the broker that is somebody else's.
    const device = await connectClientFrom(lan ?? "", broker.port);
    expect(await maySubscribe(device, `${ROOT}/v1/offer`)).toBe(true);
    expect(await maySubscribe(device, ROOT)).toBe(true);
    expect(await maySubscribe(device, "#")).toBe(false);
    expect(await mayPublish(device, `${ROOT}/v1/device/bench-1/state`, true)).toBe(true);
    expect(await mayPublish(device, `${ROOT}/v1/offer`, true)).toBe(false);
    expect(refusals.map(({ address }) => address)).toEqual([lan, lan]);
  },
);
