import { utf8 } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { EventQueue } from "./event-queue.ts";
import { InMemoryBroker } from "./in-memory-broker.ts";
import { Link } from "./link.ts";
import { IDEAL_LINE, type LineOptions, zeroNetworkCounts } from "./network-options.ts";

/** A broker and links in virtual time, with what each link received and when. */
function createNetwork() {
  const queue = new EventQueue<() => void>();
  let now = 0;
  const broker = new InMemoryBroker();
  const counts = zeroNetworkCounts();
  const schedule = (delayMs: number, action: () => void) => queue.add(now + delayMs, action);
  const run = (untilMs: number) => {
    while ((queue.nextAt ?? Number.POSITIVE_INFINITY) <= untilMs) {
      const next = queue.take();
      now = Math.max(now, next?.at ?? 0);
      next?.event();
    }
    now = untilMs;
  };
  const link = (line: Partial<LineOptions> = {}, clientId?: string) => {
    return new Link({ broker, schedule, now: () => now, counts, clientId, line: { ...IDEAL_LINE, ...line } });
  };
  return { broker, counts, run, link, now: () => now };
}

type Network = ReturnType<typeof createNetwork>;

/** Connects a link and subscribes it to everything. `keep` leaves messages unhandled. */
function listen({ now }: Network, link: Link, keep = false) {
  const heard: string[] = [];
  const handle: (() => void)[] = [];
  link.connect(
    { topic: "will", payload: utf8("gone") },
    {
      receive: ({ topic }, handled) => {
        heard.push(`${now()} ${topic}`);
        if (keep) handle.push(() => handled?.());
        else handled?.();
      },
      ended: () => heard.push(`${now()} ended`),
    },
  );
  link.subscribe("#");
  return { heard, handle };
}

test("delivers after the latency, at the bandwidth, in order", () => {
  const network = createNetwork();
  const link = network.link({ latencyMs: 10, bytesPerSecond: 1_000 });
  const { heard } = listen(network, link);
  network.run(20);
  for (const topic of ["a", "b"]) network.broker.publish(topic, new Uint8Array(92), false);
  network.run(1_000);
  expect(heard).toEqual(["130 a", "230 b"]);
});

test("publishes at the bandwidth, and reports QoS 0 when it left and QoS 1 when it is acknowledged", () => {
  const network = createNetwork();
  const { heard } = listen(network, network.link());
  const link = network.link({ latencyMs: 10, bytesPerSecond: 1_000 });
  link.connect(undefined, { receive: () => undefined });
  const done: string[] = [];
  link.publish("a", new Uint8Array(92), false, 0, () => done.push(`${network.now()} a`));
  link.publish("b", new Uint8Array(92), false, 1, () => done.push(`${network.now()} b`));
  network.run(1_000);
  expect(done).toEqual(["100 a", "220 b"]);
  expect(heard).toEqual(["110 a", "210 b"]);
});

test("sends no more than the receive window until the client has handled something", () => {
  const network = createNetwork();
  const { heard, handle } = listen(network, network.link({ receiveBytes: 150 }), true);
  network.run(1);
  for (const topic of ["a", "b", "c"]) network.broker.publish(topic, new Uint8Array(92), false, 0);
  network.run(2);
  expect(heard).toEqual(["1 a", "1 b"]);
  handle[0]?.();
  network.run(3);
  expect(heard).toEqual(["1 a", "1 b", "2 c"]);
});

test("drops what a slow client's queue can't hold, and counts it", () => {
  const network = createNetwork();
  const limits = { inFlightMax: 2, queueMax: 3 };
  const { heard, handle } = listen(network, network.link({ limits }), true);
  network.run(1);
  for (const topic of ["a", "b", "c", "d", "e", "f"]) network.broker.publish(topic, utf8("x"), false);
  network.run(2);
  expect(heard).toEqual(["1 a", "1 b"]);
  for (let index = 0; index < 5; index++) {
    handle[index]?.();
    network.run(3 + index);
  }
  expect(heard.map((line) => line.at(-1))).toEqual(["a", "b", "c", "d", "e"]);
  expect(network.counts).toMatchObject({ dropped: 1, queuedMax: 3 });
});

test("holds everything during a partition, and delivers it afterwards", () => {
  const network = createNetwork();
  const link = network.link({ latencyMs: 10 });
  const { heard } = listen(network, link);
  network.run(20);
  network.broker.publish("a", utf8("x"), false);
  link.freeze();
  link.publish("b", utf8("x"), false);
  network.run(500);
  expect(heard).toEqual([]);
  link.thaw();
  network.run(1_000);
  expect(heard).toEqual(["500 a", "510 b"]);
});

test("ends a connection by keep-alive: the client first, then the broker, which publishes the will", () => {
  const network = createNetwork();
  const link = network.link({ keepAliveMs: 1_000 });
  const { heard } = listen(network, link);
  network.run(1);
  link.freeze();
  expect(link.connect(undefined, { receive: () => undefined })).toBe(false);
  network.run(1_400);
  expect(network.broker.retained("will")).toBeUndefined();
  network.run(1_600);
  expect(network.broker.retained("will")).toEqual(utf8("gone"));
  expect(heard).toEqual([]);
});

test("tells a client that its connection is dead after the keep-alive", () => {
  const network = createNetwork();
  const link = network.link({ keepAliveMs: 1_000 });
  const { heard } = listen(network, link);
  network.run(1);
  link.freeze();
  network.run(2_000);
  expect(heard).toEqual(["1001 ended"]);
  expect(network.counts.keepAliveEnds).toBe(2);
});

test("leaves a half-open connection when a client vanishes, until its client connects again", () => {
  const network = createNetwork();
  const link = network.link({ keepAliveMs: 60_000 }, "device");
  listen(network, link);
  network.run(1);
  link.vanish();
  network.run(1_000);
  expect(network.broker.retained("will")).toBeUndefined();
  const { heard } = listen(network, link);
  expect(network.broker.retained("will")).toEqual(utf8("gone"));
  network.run(200_000);
  expect(network.counts).toMatchObject({ takeovers: 1, keepAliveEnds: 0 });
  expect(heard).toEqual(["1000 will"]);
});

test("refuses connections while the broker is down, and loses retained messages without its store", () => {
  const network = createNetwork();
  const link = network.link();
  const { heard } = listen(network, link);
  network.run(1);
  network.broker.publish("kept", utf8("x"), true);
  network.run(2);
  network.broker.stop();
  link.publish("late", utf8("x"), false);
  network.run(3);
  expect(heard).toEqual(["1 kept", "2 ended"]);
  expect(link.connect(undefined, { receive: () => undefined })).toBe(false);
  network.broker.start(true);
  expect(network.broker.retained("kept")).toEqual(utf8("x"));
  expect(network.broker.retained("will")).toBeUndefined();
  network.broker.stop();
  network.broker.start(false);
  expect(network.broker.retained("kept")).toBeUndefined();
});

test("counts what a client sends without a connection", () => {
  const network = createNetwork();
  const link = network.link();
  link.publish("a", utf8("x"), false);
  link.subscribe("a");
  expect(network.counts).toMatchObject({ published: 0, offline: 2 });
});
