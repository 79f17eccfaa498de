import fc from "fast-check";
import { expect, test } from "vitest";
import {
  SenderBench as Bench,
  CHUNKS,
  ENVELOPE,
  IMAGE,
  IMAGE_ID,
  IMAGE_TOPIC,
  type Input,
  OTHER_OFFER_ID,
  optionsOf,
  ROOT,
  reportOf,
  requestOf,
} from "../../test/sender-bench.ts";
import { CHUNK_HEADER_SIZE, parseChunk } from "../messages/chunk.ts";
import { buildHashList } from "../messages/hash-list.ts";
import type { DeviceState } from "../messages/state-report.ts";
import { CHUNK_SIZE } from "../messages/timing.ts";
import { Sender } from "./sender.ts";
import type { DeliveryOutcome, SenderEvent, SenderTimer } from "./sender-events.ts";
import type { SenderOptions } from "./sender-options.ts";

const ASCENDING = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0];

test("publishes the offer only after the hash list is acknowledged", () => {
  const bench = new Bench(optionsOf({ offerTopics: [`${ROOT}/v1/device/a/offer`, `${ROOT}/v1/device/b/offer`] }));
  bench.hold = true;
  bench.give({ type: "connected" });
  expect(bench.published).toEqual([]);
  bench.give({ type: "start" });
  expect(bench.subscribed).toEqual([
    ...[`${ROOT}/v1/device/+/request`, `${ROOT}/v1/device/+/state`],
    ...[`${ROOT}/v1/image/${IMAGE_ID}/hashes`, `${ROOT}/v1/offer`],
    ...[`${ROOT}/v1/device/a/offer`, `${ROOT}/v1/device/b/offer`],
  ]);
  expect(bench.published.map(({ topic }) => topic)).toEqual([`${ROOT}/v1/image/${IMAGE_ID}/hashes`]);
  bench.give({ type: "drained", id: 4711 });
  expect(bench.published).toHaveLength(1);
  bench.drain();
  expect(bench.published.slice(1).map(({ topic, payload, qos, retain }) => ({ topic, payload, qos, retain }))).toEqual([
    { topic: `${ROOT}/v1/device/a/offer`, payload: ENVELOPE, qos: 1, retain: true },
    { topic: `${ROOT}/v1/device/b/offer`, payload: ENVELOPE, qos: 1, retain: true },
  ]);
  expect(bench.published[0]).toMatchObject({ qos: 1, retain: true, payload: buildHashList(IMAGE) });
});

test("the same request from ten devices sends each chunk once, chunk 0 last", () => {
  const bench = Bench.serving();
  for (let device = 0; device < 10; device++) bench.request(`bench-${device}`);
  bench.wait(199);
  expect(bench.chunks).toEqual([]);
  bench.wait(1);
  expect(bench.indices).toEqual(ASCENDING);
  expect(bench.chunks.every(({ topic, retain }) => topic === IMAGE_TOPIC && !retain)).toBe(true);
  expect(bench.sender.stats).toMatchObject({ chunksSent: 10, requests: 10, requestsMerged: 9, repairRatio: 0 });
  expect(bench.sender.stats.bytesSent).toBe(IMAGE.length + 10 * CHUNK_HEADER_SIZE);
});

test("publishes the chunks of the image", () => {
  const bench = Bench.serving();
  bench.request("bench-1");
  bench.wait(200);
  for (const { payload } of bench.chunks) {
    const { index, bytes, image } = parseChunk(payload);
    expect(image).toBe(IMAGE_ID.slice(0, 16));
    expect(bytes).toEqual(IMAGE.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE));
  }
});

test("adds a request to the current round; chunks that the round has passed go into the next", () => {
  const bench = Bench.serving({ window: 1 });
  bench.request("bench-1", requestOf([[0, 4]]));
  bench.hold = true;
  bench.wait(200);
  bench.drain();
  expect(bench.indices).toEqual([1, 2]);
  bench.request("bench-2", requestOf([[1, 5]]));
  bench.hold = false;
  bench.drain();
  expect(bench.indices).toEqual([1, 2, 3, 4, 5, 0]);
  bench.wait(200);
  expect(bench.indices).toEqual([1, 2, 3, 4, 5, 0, 1, 2]);
});

test("has no more chunks in flight than the window allows", () => {
  const bench = Bench.serving({ window: 3 });
  bench.hold = true;
  bench.request("bench-1");
  bench.wait(200);
  expect(bench.indices).toEqual([1, 2, 3]);
  bench.wait(60_000);
  expect(bench.indices).toHaveLength(3);
  bench.drain();
  expect(bench.indices).toEqual([1, 2, 3, 4]);
});

test("sends at most the configured bytes per second", () => {
  const bench = Bench.serving({ rate: 20_000 }, 100);
  bench.request("bench-1", requestOf([[0, 100]]));
  bench.wait(60_000);
  const size = CHUNK_SIZE + CHUNK_HEADER_SIZE;
  expect(bench.indices).toHaveLength(100);
  const first = bench.chunks[0]!.at;
  for (const [sent, { at }] of bench.chunks.entries()) {
    expect((sent + 1) * size).toBeLessThanOrEqual(4 * size + ((at - first) * 20_000) / 1000 + 1);
  }
  expect(bench.chunks.at(-1)!.at - first).toBeLessThan((96 * size * 1000) / 20_000 + 200);
});

test("a device that begins to download again has not seen what was sent to all just before", () => {
  const bench = Bench.serving({}, 10);
  bench.report("bench-1", "downloading", { total: 10 });
  bench.request("bench-1", requestOf([[0, 10]]));
  bench.wait(200);
  expect(bench.indices).toHaveLength(10);
  bench.request("bench-1", requestOf([[0, 10]]));
  bench.wait(200);
  expect(bench.indices, "they may be on their way").toHaveLength(10);
  bench.report("bench-1", "checking", { total: 10 });
  bench.report("bench-1", "downloading", { total: 10 });
  bench.request("bench-1", requestOf([[0, 10]]));
  bench.wait(200);
  expect(bench.indices).toHaveLength(20);
});

test("slows down after a round that the median device lost", () => {
  const bench = Bench.serving({ rate: 40_000 }, 200);
  const duration = (): number => {
    const before = bench.chunks.length;
    bench.request("bench-1", requestOf([[0, 200]]));
    bench.wait(120_000);
    const round = bench.chunks.slice(before);
    expect(round).toHaveLength(200);
    return round.at(-1)!.at - round[0]!.at;
  };
  const first = duration();
  expect(duration() / first).toBeCloseTo(2, 1);
});

test("after a reconnect, sends the hash list before the offer, and chunks in flight again", () => {
  const bench = Bench.serving({ window: 4 });
  bench.request("bench-1");
  bench.hold = true;
  bench.wait(200);
  bench.drain();
  expect(bench.indices).toEqual([1, 2, 3, 4, 5]);
  bench.give({ type: "disconnected" });
  bench.wait(10_000);
  expect(bench.indices).toHaveLength(5);
  bench.hold = false;
  const before = bench.published.length;
  bench.give({ type: "connected" });
  expect(bench.published.slice(before).map(({ topic }) => topic)).toEqual([
    `${ROOT}/v1/image/${IMAGE_ID}/hashes`,
    `${ROOT}/v1/offer`,
  ]);
  const again = bench.subscribed.slice(bench.subscribed.lastIndexOf(`${ROOT}/v1/device/+/request`));
  expect(again.slice(0, 4)).toEqual([
    ...[`${ROOT}/v1/device/+/request`, `${ROOT}/v1/device/+/state`],
    ...[`${ROOT}/v1/image/${IMAGE_ID}/hashes`, `${ROOT}/v1/offer`],
  ]);
  bench.wait(200);
  expect(bench.indices.slice(5)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 0]);
});

test("sends chunks for a single device that were in flight again after a reconnect", () => {
  const bench = Bench.serving({ window: 2 });
  bench.hold = true;
  bench.request("bench-1", requestOf([[0, 4]], { unicast: true, window: 4 }));
  expect(bench.indices).toEqual([1, 2]);
  bench.give({ type: "disconnected" });
  bench.hold = false;
  bench.give({ type: "connected" });
  expect(bench.indices.slice(2)).toEqual([1, 2, 3, 0]);
});

test("does not repeat a chunk in flight to a device, and repeats one that it should have", () => {
  const bench = Bench.serving({ rate: 41_160 }, 10);
  const lacking = requestOf([
    [0, 2],
    [3, 7],
  ]);
  bench.request("bench-1", requestOf([[0, 10]]));
  bench.wait(500);
  bench.request("bench-1", lacking);
  bench.wait(20_000);
  expect(bench.indices, "chunk 2 has arrived, so that chunk 1 is lost").toEqual([...ASCENDING, 1, 0]);
});

test("starts the first round after the offer's spread, or once every expected device has requested", () => {
  const expected = { count: 3 };
  const bench = Bench.serving({ expected, spreadMs: 6_000 });
  bench.request("bench-1");
  bench.wait(5_000);
  bench.request("bench-2");
  expect(bench.chunks).toEqual([]);
  bench.wait(1_200);
  expect(bench.indices).toEqual(ASCENDING);
  const whole = Bench.serving({ expected, spreadMs: 6_000 });
  for (const device of ["bench-1", "bench-2", "bench-3"]) whole.request(device);
  whole.wait(200);
  expect(whole.indices).toEqual(ASCENDING);
});

test("sends nothing twice to a device that subscribes before its request arrives", () => {
  const bench = Bench.serving({ expected: { count: 2 } });
  bench.report("bench-2", "downloading");
  bench.request("bench-1");
  bench.wait(200);
  bench.request("bench-2");
  bench.wait(900);
  expect(bench.indices).toEqual(ASCENDING);
  bench.report("bench-2", "downloading", { online: false });
  bench.report("bench-2", "downloading");
  bench.request("bench-2");
  bench.wait(200);
  expect(bench.indices, "what was sent while it was offline is sent again").toEqual([...ASCENDING, ...ASCENDING]);
});

test("starts no round while the median device still receives, and no round waits forever", () => {
  const bench = Bench.serving({ expected: { count: 9 }, rate: 1_000_000 }, 100);
  const names = Array.from({ length: 9 }, (_, number) => `bench-${number}`);
  for (const name of names) {
    bench.report(name, "downloading", { total: 100 });
    bench.request(name, requestOf([[0, 100]]));
  }
  bench.wait(1_000);
  expect(bench.chunks).toHaveLength(100);
  for (let received = 10; received <= 50; received += 10) {
    for (const name of names) bench.report(name, "downloading", { received, total: 100 });
    bench.wait(1_000);
    bench.request(
      "bench-0",
      requestOf([
        [0, 1],
        [7, 1],
        [60, 40],
      ]),
    );
  }
  expect(bench.chunks, "chunk 7 is lost, but the queue still moves").toHaveLength(100);
  bench.wait(3_200);
  expect(bench.indices.slice(100)).toEqual([7, 0]);
});

test.for([
  [true, 100],
  [false, 400],
] as const)("adapts the rate to loss, not to delay: while the fleet grows (%s), %i ms per chunk", ([grows, ms]) => {
  const bench = Bench.serving({ expected: { count: 9 }, rate: 41_160 }, 100);
  const names = Array.from({ length: 9 }, (_, number) => `bench-${number}`);
  for (const name of names) {
    bench.report(name, "downloading", { total: 100 });
    bench.request(name, requestOf([[0, 100]]));
  }
  bench.wait(11_000);
  for (const received of [20, 40]) {
    for (const name of names) bench.report(name, "downloading", { received: grows ? received : 20, total: 100 });
    bench.wait(1_000);
  }
  if (!grows) bench.wait(2_000);
  for (const name of names)
    bench.request(
      name,
      requestOf([
        [0, 1],
        [7, 1],
        [40, grows ? 60 : 59],
      ]),
    );
  bench.wait(60_000);
  for (const name of names) bench.request(name, requestOf([[0, 100]]));
  const before = bench.chunks.length;
  bench.wait(60_000);
  const round = bench.chunks.slice(before);
  expect((round[60]!.at - round[20]!.at) / 40).toBeCloseTo(ms, -1);
});

test("ignores a round that a lost connection interrupted when it sets the rate", () => {
  const bench = Bench.serving({ rate: 40_000 }, 200);
  bench.request("bench-1", requestOf([[0, 200]]));
  bench.wait(10_000);
  bench.give({ type: "disconnected" });
  bench.give({ type: "connected" });
  const before = bench.chunks.length;
  bench.request("bench-1", requestOf([[0, 200]]));
  bench.wait(60_000);
  const round = bench.chunks.slice(before);
  expect(round).toHaveLength(200);
  expect(round.at(-1)!.at - round[0]!.at).toBeLessThan((200 * (CHUNK_SIZE + CHUNK_HEADER_SIZE) * 1000) / 40_000);
});

test("ignores a late acknowledgement from the lost connection", () => {
  const bench = Bench.serving({ window: 1 });
  bench.request("bench-1");
  bench.hold = true;
  bench.wait(200);
  const [stale] = bench.undrained;
  bench.give({ type: "disconnected" });
  bench.give({ type: "connected" });
  bench.drain();
  bench.drain();
  bench.wait(200);
  expect(bench.undrained).toHaveLength(1);
  bench.give({ type: "drained", id: stale!.id });
  expect(bench.undrained).toHaveLength(1);
});

test("sends at most its window to a device on its own topic, and chunk 0 only with everything else", () => {
  const bench = Bench.serving();
  bench.report("bench-2", "downloading");
  const unicast = { unicast: true, window: 4 };
  bench.request("bench-1", requestOf([[0, CHUNKS]], unicast));
  expect(bench.indices).toEqual([1, 2, 3, 4]);
  bench.request(
    "bench-1",
    requestOf(
      [
        [0, 1],
        [7, 2],
      ],
      unicast,
    ),
  );
  expect(bench.indices.slice(4)).toEqual([7, 8, 0]);
  expect(new Set(bench.chunks.map(({ topic }) => topic))).toEqual(new Set([`${ROOT}/v1/device/bench-1/chunk`]));
});

test("answers a single device on the image's topic even if it requests its own", () => {
  const bench = Bench.serving();
  bench.request("bench-1", requestOf([[0, CHUNKS]], { unicast: true, window: 4 }));
  expect(bench.chunks.map(({ topic }) => topic)).toEqual(Array.from({ length: 4 }, () => IMAGE_TOPIC));
});

test("a device counts as the only one if the others report under other offers", () => {
  const bench = Bench.serving();
  for (let index = 0; index < 50; index++) {
    const device = `stranger-${index}`;
    const payload = reportOf(device, "confirmed", { offer: OTHER_OFFER_ID });
    bench.give({ type: "state", device, payload, retained: false });
  }
  bench.request("bench-1", requestOf([[0, CHUNKS]], { unicast: true, window: 4 }));
  expect(bench.chunks.map(({ topic }) => topic)).toEqual(Array.from({ length: 4 }, () => IMAGE_TOPIC));
});

test("answers a device far behind the others on its own topic", () => {
  const bench = Bench.serving({}, 100);
  for (let device = 0; device < 40; device++) bench.request(`crowd-${device}`, requestOf([[50, 3]]));
  bench.wait(200);
  expect(bench.indices).toEqual([50, 51, 52]);
  bench.request("late", requestOf([[0, 100]]));
  bench.wait(200);
  const rest = bench.chunks.slice(3);
  expect(rest).toHaveLength(64);
  expect(rest.every(({ topic }) => topic === `${ROOT}/v1/device/late/chunk`)).toBe(true);
});

test("a device that requests everything five times a second costs three images, and one more with progress", () => {
  const bench = Bench.serving({}, 500);
  bench.report("bench-2", "downloading");
  for (let asked = 0; asked < 295; asked++) {
    bench.request("liar", requestOf([[0, 500]]));
    bench.wait(200);
  }
  expect(bench.chunks).toHaveLength(3 * 500);
  for (let asked = 0; asked < 5; asked++) {
    bench.report("liar", "downloading", { received: asked % 2 === 0 ? 500 : 0, total: 500 });
    bench.request("liar", requestOf([[0, 500]]));
    bench.wait(200);
  }
  bench.wait(1_000);
  expect(bench.chunks).toHaveLength(4 * 500);
  const { dropped } = bench.sender.stats;
  expect(dropped["no-credit"] + dropped.noisy).toBeGreaterThan(200);
});

test("a device that asks and reports without end is noisy, and still ends as the others do", () => {
  const bench = Bench.serving({ expected: { count: 2 } });
  for (let second = 0; second < 60; second++) {
    for (let repeated = 0; repeated < 10; repeated++) {
      bench.request("liar");
      bench.report("liar", "downloading", { received: repeated });
    }
    bench.wait(1_000);
  }
  const { dropped, requests } = bench.sender.stats;
  expect(requests).toBe(600);
  expect(dropped.noisy).toBeGreaterThan(500);
  expect(bench.sender.devices).toMatchObject([{ device: "liar", isNoisy: true }]);
  expect(bench.progress.filter(({ isNoisy }) => isNoisy === true)).not.toEqual([]);
  bench.report("bench-2", "confirmed");
  bench.wait(1_000);
  bench.report("liar", "confirmed");
  expect(bench.outcome?.reason).toBe("delivered");
});

test("a device that uses up its window again and again makes progress, and is not noisy", () => {
  const bench = Bench.serving({ timing: { gatherMs: 0 } }, 400);
  for (let first = 1; first < 400; first++) {
    bench.request("bench-1", requestOf([[first, 400 - first]], { window: 1 }));
    bench.wait(10);
  }
  expect(bench.indices).toEqual(Array.from({ length: 399 }, (_, index) => index + 1));
  expect(bench.sender.stats.dropped.noisy).toBe(0);
});

test("devices that do not exist push out neither named devices nor memory", () => {
  const bench = Bench.serving({ expected: { devices: ["bench-1"] } });
  bench.report("bench-1", "downloading");
  for (let device = 0; device < 30_000; device++) {
    const payload = reportOf(`ghost-${device}`, "downloading");
    bench.sender.handle({ type: "state", now: bench.now, device: `ghost-${device}`, payload, retained: false });
  }
  expect(bench.sender.devices).toHaveLength(20_001);
  expect(bench.sender.stats.dropped["too-many-devices"]).toBe(10_000);
  bench.report("bench-1", "confirmed");
  expect(bench.outcome?.reason).toBe("delivered");
});

test("a broker that drops every tenth message of the chunk topic costs a tenth of an image and its tenth", () => {
  const names = Array.from({ length: 20 }, (_, number) => `bench-${number}`);
  const bench = Bench.serving({ expected: { count: names.length }, rate: 1_000_000 }, 200);
  const missing = new Set(Array.from({ length: 200 }, (_, index) => index));
  let seen = 0;
  while (missing.size > 0 && seen < 1_000) {
    const ranges = [...missing].sort((left, right) => left - right).map((index): [number, number] => [index, 1]);
    for (const name of names) bench.request(name, requestOf(ranges.length > 64 ? [[0, 200]] : ranges));
    bench.wait(3_000);
    for (const index of bench.indices.slice(seen)) {
      if (seen++ % 10 !== 9 && (index > 0 || missing.size === 1)) missing.delete(index);
    }
  }
  expect(missing.size).toBe(0);
  expect(bench.chunks.length).toBeLessThan(200 * 1.15);
});

test("charges answers on a device's own topic to its credit", () => {
  const bench = Bench.serving({ expected: { count: 2 } }, 40);
  bench.report("bench-2", "downloading");
  for (let asked = 0; asked < 100; asked++) bench.request("liar", requestOf([[0, 40]], { unicast: true }));
  expect(bench.chunks).toHaveLength(3 * 40);
});

test("sends one range a minute to a device without credit, on its own topic", () => {
  const bench = Bench.serving({ expected: { count: 2 }, rate: 100_000_000 }, 500);
  bench.report("bench-2", "downloading");
  for (let second = 0; second < 600; second++) {
    bench.request("liar", requestOf([[0, 500]], { window: 16 }));
    bench.wait(1_000);
  }
  const unicast = bench.chunks.filter(({ topic }) => topic === `${ROOT}/v1/device/liar/chunk`);
  expect(bench.chunks.length - unicast.length).toBe(3 * 500);
  expect(unicast).toHaveLength(9 * 16);
});

test("sends two devices that ask again and again together what their credit pays", () => {
  const bench = Bench.serving();
  for (let round = 0; round < 8; round++) {
    bench.request("bench-1");
    bench.request("bench-2");
    bench.wait(2_000);
  }
  expect(bench.chunks).toHaveLength(2 * 3 * CHUNKS);
  expect(bench.sender.stats.dropped["no-credit"]).toBeGreaterThan(0);
});

test("ignores a retained report of another offer", () => {
  const bench = Bench.serving();
  bench.report("bench-1", "confirmed", { offer: OTHER_OFFER_ID }, true);
  expect(bench.outcome).toBeUndefined();
  expect(bench.sender.devices).toMatchObject([{ device: "bench-1", state: undefined, heardAtMs: undefined }]);
});

test("accepts a retained report under the offer that was sent while no publisher listened", () => {
  const bench = Bench.serving();
  bench.report("bench-1", "confirmed", {}, true);
  expect(bench.outcome?.reason).toBe("delivered");
});

test("a report of another offer, or without one, only shows that the device is online", () => {
  const bench = Bench.serving();
  bench.wait(500);
  bench.report("bench-1", "confirmed", { offer: OTHER_OFFER_ID });
  const { offer: _, ...none } = JSON.parse(new TextDecoder().decode(reportOf("bench-1", "confirmed")));
  bench.give({
    type: "state",
    device: "bench-1",
    payload: new TextEncoder().encode(JSON.stringify(none)),
    retained: false,
  });
  expect(bench.outcome).toBeUndefined();
  expect(bench.progress).toEqual([]);
  expect(bench.sender.devices).toMatchObject([{ state: undefined, heardAtMs: 500 }]);
  bench.wait(3_600_000);
  expect(bench.outcome?.reason).toBe("no-device");
});

test("counts a report in another device's name as malformed", () => {
  const bench = Bench.serving();
  bench.give({ type: "state", device: "bench-2", payload: reportOf("bench-1", "confirmed"), retained: false });
  expect(bench.outcome).toBeUndefined();
  expect(bench.sender.stats.dropped.malformed).toBe(1);
});

test("a device that holds its restart is not unreachable, unless its will says that it is offline", () => {
  const bench = Bench.serving();
  bench.report("bench-1", "ready-to-reboot");
  bench.wait(1_800_000);
  expect(bench.outcome).toBeUndefined();
  bench.report("bench-1", "ready-to-reboot", { online: false });
  bench.wait(200_000);
  expect(bench.outcome).toMatchObject({
    reason: "device-failed",
    devices: [{ error: { code: "delivery/no-device" } }],
  });
});

test("a will marks a device as offline and changes nothing else", () => {
  const bench = Bench.serving();
  bench.report("bench-1", "downloading", { received: 4 });
  bench.report("bench-1", "confirmed", { online: false });
  expect(bench.outcome).toBeUndefined();
  expect(bench.progress.at(-1)).toMatchObject({ state: "downloading", received: 4, online: false });
});

test("progress is shown once for each change", () => {
  const bench = Bench.serving();
  bench.report("bench-1", "downloading", { received: 4 });
  bench.report("bench-1", "downloading", { received: 4 });
  bench.report("bench-1", "downloading", { received: 99 });
  expect(bench.progress.map(({ received, total }) => [received, total])).toEqual([
    [4, 10],
    [10, 10],
  ]);
});

const ENDS: readonly [SenderOptions["wait"], DeviceState, DeliveryOutcome["reason"] | undefined][] = [
  ["confirmed", "idle", undefined],
  ["confirmed", "checking", undefined],
  ["confirmed", "waiting", undefined],
  ["confirmed", "downloading", undefined],
  ["confirmed", "verifying", undefined],
  ["confirmed", "ready-to-reboot", undefined],
  ["confirmed", "pending-verify", undefined],
  ["confirmed", "confirmed", "delivered"],
  ["confirmed", "rejected", "device-failed"],
  ["confirmed", "failed", "device-failed"],
  ["confirmed", "rolled-back", "device-failed"],
  ["downloaded", "verifying", undefined],
  ["downloaded", "ready-to-reboot", "delivered"],
  ["downloaded", "pending-verify", "delivered"],
  ["downloaded", "confirmed", "delivered"],
  ["downloaded", "rejected", "device-failed"],
];

test.for(ENDS)("a delivery that waits for %s and receives %s ends as %s", ([wait, state, reason]) => {
  const bench = Bench.serving({ wait });
  bench.report("bench-1", state);
  expect(bench.outcome?.reason).toBe(reason);
});

test("a delivery that waits for no device ends when the broker returns the offers and the hash list", () => {
  const bench = new Bench(optionsOf({ wait: "none", offerTopics: [`${ROOT}/v1/offer`, `${ROOT}/v1/device/a/offer`] }));
  bench.hold = true;
  bench.give({ type: "start" });
  bench.give({ type: "connected" });
  for (const _ of ["hashes", "offer", "own offer"]) bench.drain();
  expect(bench.outcome).toBeUndefined();
  const [hashes, ...offers] = bench.published.map(({ topic }) => topic);
  for (const topic of offers) bench.giveBack(topic);
  expect(bench.outcome).toBeUndefined();
  bench.giveBack(hashes!);
  expect(bench.outcome?.reason).toBe("offered");
});

test("a delivery that waits to be cancelled says that the offer stands, has no time limit, and ends only when cancelled", () => {
  const bench = new Bench(optionsOf({ wait: "cancelled", expected: { count: 1 }, timeoutMs: 1_000 }));
  bench.hold = true;
  const actions = [...bench.give({ type: "start" }), ...bench.give({ type: "connected" })];
  for (const _ of ["hashes", "offer"]) bench.drain();
  const [hashes, offer] = bench.published.map(({ topic }) => topic);
  bench.giveBack(hashes!);
  const payload = bench.retained.get(offer!)!;
  actions.push(...bench.give({ type: "announcement", topic: offer!, payload, retained: true }));
  expect(actions.filter(({ type }) => type === "offered").length).toBe(1);
  expect(actions).not.toContainEqual(expect.objectContaining({ timer: "deadline" }));
  bench.report("a", "confirmed");
  expect(bench.outcome).toBeUndefined();
  bench.give({ type: "cancel" });
  expect(bench.outcome?.reason).toBe("cancelled");
});

test("a delivery to named devices waits for each of them only", () => {
  const bench = Bench.serving({ expected: { devices: ["a", "b"] } });
  bench.report("a", "confirmed");
  bench.report("c", "failed");
  expect(bench.outcome).toBeUndefined();
  bench.report("b", "confirmed");
  expect(bench.outcome?.reason).toBe("delivered");
  expect(bench.outcome?.devices.map(({ device }) => device)).toEqual(["a", "b", "c"]);
});

test("a delivery to a number of devices waits for that number, and fails with one of them", () => {
  const bench = Bench.serving({ expected: { count: 2 } });
  bench.report("a", "confirmed");
  bench.report("a", "confirmed");
  expect(bench.outcome).toBeUndefined();
  bench.report("b", "rejected", { error: { code: "offer/stale", message: "too old" } });
  expect(bench.outcome).toMatchObject({
    reason: "device-failed",
    devices: [{ device: "a" }, { device: "b", error: { code: "offer/stale", message: "too old" } }],
  });
});

test("without expected devices, ends two seconds after the last new device if all have ended", () => {
  const bench = Bench.serving({ expected: {} });
  bench.report("a", "confirmed");
  bench.wait(1_500);
  bench.report("b", "downloading");
  bench.wait(10_000);
  expect(bench.outcome).toBeUndefined();
  bench.report("b", "confirmed");
  expect(bench.outcome?.reason).toBe("delivered");

  const single = Bench.serving({ expected: {} });
  single.report("a", "confirmed");
  single.wait(1_999);
  expect(single.outcome).toBeUndefined();
  single.wait(1);
  expect(single.outcome?.reason).toBe("delivered");
});

test("gives up a device three minutes after its last report, not earlier", () => {
  const bench = Bench.serving();
  bench.wait(100_000);
  bench.report("bench-1", "downloading");
  bench.wait(179_999);
  expect(bench.outcome).toBeUndefined();
  bench.wait(1_001);
  expect(bench.outcome).toMatchObject({
    reason: "device-failed",
    devices: [{ state: "downloading", online: false, error: { code: "delivery/no-device" } }],
  });
});

test("counts a device that was given up again after its next report", () => {
  const bench = Bench.serving({ expected: { devices: ["a", "b"] } });
  bench.report("a", "downloading");
  for (let minute = 0; minute < 4; minute++) {
    bench.wait(60_000);
    bench.report("b", "downloading", { received: minute });
  }
  expect(bench.sender.devices[0]).toMatchObject({ device: "a", error: { code: "delivery/no-device" } });
  bench.request("a");
  expect(bench.progress.at(-1)).toMatchObject({ device: "a", error: undefined, endedAtMs: undefined });
  bench.report("a", "confirmed");
  bench.report("b", "confirmed");
  expect(bench.outcome?.reason).toBe("delivered");
});

test("sets a timer again that fires early, so that no round waits forever", () => {
  const bench = Bench.serving();
  bench.give({ type: "request", device: "bench-1", payload: requestOf() });
  const at = bench.timers.get("gather") as number;
  bench.now = at - 1;
  expect(bench.give({ type: "timer", timer: "gather" })).toEqual([{ type: "set-timer", timer: "gather", at }]);
  bench.now = at;
  const actions = bench.give({ type: "timer", timer: "gather" });
  expect(actions.filter(({ type }) => type === "publish")).toHaveLength(CHUNKS);
});

test("does not count the sender's own time offline as a device's silence", () => {
  const bench = Bench.serving();
  bench.report("bench-1", "downloading");
  bench.give({ type: "disconnected" });
  bench.wait(600_000);
  bench.give({ type: "connected" });
  bench.wait(170_000);
  expect(bench.outcome).toBeUndefined();
});

test.for([
  ["no-device", false],
  ["timeout", true],
] as const)("a delivery ends as %s at the time limit if a device reported: %s", ([reason, heard]) => {
  const bench = Bench.serving({ timeoutMs: 60_000 });
  if (heard) bench.report("bench-1", "downloading");
  bench.wait(59_999);
  expect(bench.outcome).toBeUndefined();
  bench.wait(1);
  expect(bench.outcome?.reason).toBe(reason);
  expect(bench.timers.size).toBe(0);
});

/** Started and connected, the hash list not acknowledged. */
function announced(): Bench {
  const bench = new Bench(optionsOf());
  bench.hold = true;
  bench.give({ type: "start" });
  bench.give({ type: "connected" });
  return bench;
}

/** Ways into each state, and which kinds of action each event calls for there. */
const STATES: Readonly<Record<string, () => Bench>> = {
  idle: () => new Bench(optionsOf()),
  offline: () => {
    const bench = new Bench(optionsOf());
    bench.give({ type: "start" });
    return bench;
  },
  hashes: () => announced(),
  offers: () => {
    const bench = announced();
    bench.drain();
    return bench;
  },
  serving: () => Bench.serving(),
  done: () => {
    const bench = Bench.serving();
    bench.give({ type: "cancel" });
    return bench;
  },
};

const REQUEST: Input = { type: "request", device: "bench-1", payload: requestOf() };
const CONFIRMED: Input = {
  type: "state",
  device: "bench-1",
  payload: reportOf("bench-1", "confirmed"),
  retained: false,
};
const ANNOUNCED = ["set-timer", "subscribe", "subscribe", "subscribe", "subscribe", "publish"];

const TABLE: readonly [state: string, event: Input, actions: readonly string[]][] = [
  ["idle", { type: "start" }, ["set-timer"]],
  ["idle", { type: "connected" }, []],
  ["idle", { type: "disconnected" }, []],
  ["idle", REQUEST, []],
  ["idle", CONFIRMED, []],
  ["idle", { type: "drained", id: 1 }, []],
  ["idle", { type: "timer", timer: "gather" }, []],
  ["idle", { type: "timer", timer: "deadline" }, []],
  ["idle", { type: "cancel" }, ["done"]],
  ["offline", { type: "start" }, []],
  ["offline", { type: "connected" }, ANNOUNCED],
  ["offline", { type: "disconnected" }, []],
  ["offline", REQUEST, []],
  ["offline", { type: "drained", id: 1 }, []],
  ["offline", { type: "unacknowledged", id: 1 }, []],
  ["offline", { type: "timer", timer: "pace" }, []],
  ["offline", { type: "cancel" }, ["clear-timer", "done"]],
  ["hashes", { type: "start" }, []],
  ["hashes", { type: "connected" }, ["clear-timer", ...ANNOUNCED]],
  ["hashes", { type: "disconnected" }, ["clear-timer"]],
  ["hashes", REQUEST, []],
  ["hashes", { type: "drained", id: 1 }, ["publish"]],
  ["hashes", { type: "drained", id: 2 }, []],
  ["hashes", { type: "unacknowledged", id: 2 }, []],
  ["hashes", { type: "unacknowledged", id: 1 }, ["clear-timer", "clear-timer", "done"]],
  ["hashes", CONFIRMED, ["progress", "clear-timer", "clear-timer", "done"]],
  ["offers", REQUEST, []],
  ["offers", { type: "connected" }, ["clear-timer", ...ANNOUNCED]],
  ["offers", { type: "drained", id: 1 }, []],
  ["offers", { type: "drained", id: 2 }, ["subscribe", "subscribe", "set-timer"]],
  ["offers", { type: "disconnected" }, ["clear-timer"]],
  ["serving", { type: "start" }, []],
  ["serving", REQUEST, ["set-timer"]],
  ["serving", CONFIRMED, ["progress", "clear-timer", "clear-timer", "done"]],
  ["serving", { type: "drained", id: 99 }, []],
  ["serving", { type: "timer", timer: "gather" }, []],
  ["serving", { type: "timer", timer: "pace" }, []],
  ["serving", { type: "timer", timer: "silence" }, ["set-timer"]],
  ["serving", { type: "timer", timer: "deadline" }, ["set-timer"]],
  ["serving", { type: "disconnected" }, ["clear-timer"]],
  ["serving", { type: "cancel" }, ["clear-timer", "clear-timer", "done"]],
  ["done", { type: "start" }, []],
  ["done", { type: "connected" }, []],
  ["done", REQUEST, []],
  ["done", CONFIRMED, []],
  ["done", { type: "cancel" }, []],
];

test.for(TABLE.map((row, number) => [number, row[0], row[1].type, row] as const))(
  "row %i: in state %s the event %s has its actions",
  ([, , , [state, event, actions]]) => {
    const bench = STATES[state]!();
    bench.hold = true;
    expect(bench.sender.handle({ ...event, now: bench.now } as SenderEvent).map(({ type }) => type)).toEqual(actions);
  },
);

test("counts a request for another image without an answer", () => {
  const bench = Bench.serving();
  bench.request("bench-1", requestOf([[0, 4]], { image: "0".repeat(32) }));
  bench.wait(1_000);
  expect(bench.chunks).toEqual([]);
  expect(bench.sender.stats).toMatchObject({ requests: 0, dropped: { "other-image": 1 } });
});

test("clips ranges to the image", () => {
  const bench = Bench.serving();
  bench.request("bench-1", requestOf([[8, 30_000]]));
  bench.request("bench-2", requestOf([[CHUNKS, 5]]));
  bench.wait(1_000);
  expect(bench.indices).toEqual([8, 9]);
  expect(bench.sender.stats.dropped.malformed).toBe(1);
});

test("counts a device whose name does not fit into a topic as malformed", () => {
  const bench = Bench.serving();
  bench.request("../etc");
  bench.give({ type: "state", device: "", payload: reportOf("a", "idle"), retained: false });
  expect(bench.sender.stats.dropped.malformed).toBe(2);
});

const device = fc.constantFrom("bench-1", "bench-2", "bench-3", "+", "");
const ranges = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 1, max: 12 })), { minLength: 1, maxLength: 4 })
  .map((pairs) => {
    let end = 0;
    return pairs.map(([gap, count]): [number, number] => {
      const first = end + gap;
      end = first + count;
      return [first, count];
    });
  });
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 3_000 }),
  fc.json().map((text) => new TextEncoder().encode(text)),
  fc
    .record({ missing: ranges, unicast: fc.boolean(), window: fc.constantFrom(0, 1, 4, 32_768) })
    .map(({ missing, unicast, window }) => requestOf(missing, { unicast, window })),
  fc
    .record({
      name: fc.constantFrom("bench-1", "bench-2"),
      state: fc.constantFrom<DeviceState>("downloading", "verifying", "failed", "waiting"),
      received: fc.integer({ min: 0, max: 32_768 }),
      online: fc.boolean(),
    })
    .map(({ name, state, received, online }) => reportOf(name, state, { received, online })),
);
const input: fc.Arbitrary<Input | { type: "wait"; ms: number } | { type: "drain" }> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("request" as const), device, payload }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("state" as const), device, payload, retained: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 5_000 }) }) },
  { weight: 6, arbitrary: fc.constant({ type: "drain" as const }) },
  fc.constantFrom<Input>({ type: "start" }, { type: "connected" }, { type: "disconnected" }),
  fc.record({ type: fc.constant("drained" as const), id: fc.nat(60) }),
  fc.record({
    type: fc.constant("announcement" as const),
    topic: fc.constantFrom(`${ROOT}/v1/offer`, `${ROOT}/v1/image/${IMAGE_ID}/hashes`, "", "x"),
    payload: fc.uint8Array({ maxLength: 30 }),
    retained: fc.boolean(),
  }),
  fc.record({
    type: fc.constant("timer" as const),
    timer: fc.constantFrom<SenderTimer>("gather", "pace", "silence", "deadline", "read-back", "look-again", "reassert"),
  }),
);

test("for any events: never throws, keeps the window, and a request costs at most one image", () => {
  fc.assert(
    fc.property(fc.array(input, { maxLength: 120 }), fc.constantFrom(0, 20_000), (inputs, rate) => {
      // Expecting more devices than there are keeps the delivery open.
      const bench = new Bench(optionsOf({ rate, window: 3, expected: { count: 1_000 } }));
      bench.hold = true;
      bench.give({ type: "start" });
      bench.give({ type: "connected" });
      const underWay = (): number => bench.undrained.filter(({ topic }) => topic.endsWith("/chunk")).length;
      let lost = 0;
      for (const next of inputs) {
        if (next.type === "connected" || next.type === "disconnected") {
          lost += underWay();
          bench.undrained = [];
        }
        if (next.type === "drained") bench.undrained = bench.undrained.filter(({ id }) => id !== next.id);
        if (next.type === "wait") bench.wait(next.ms);
        else if (next.type === "drain") bench.drain();
        else bench.give(next);
        expect(underWay()).toBeLessThanOrEqual(3);
      }
      expect(bench.chunks.length).toBeLessThanOrEqual(bench.sender.stats.requests * CHUNKS + lost);
      expect(bench.sender.devices.length).toBeLessThanOrEqual(2);
      expect(bench.indices.every((index) => index < CHUNKS)).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test("a single device costs at most its credit, its claimed progress, and a range a minute", () => {
  const step = fc.record({ missing: ranges, unicast: fc.boolean(), received: fc.nat(20), ms: fc.nat(20_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const bench = Bench.serving({ expected: { count: 2 } });
      const startedAt = bench.now;
      for (const { missing, unicast, received, ms } of steps) {
        bench.request("bench-1", requestOf(missing, { unicast, window: 2 }));
        bench.report("bench-1", "downloading", { received });
        bench.wait(ms);
      }
      const minutes = Math.floor((bench.now - startedAt) / 60_000);
      expect(bench.chunks.length).toBeLessThanOrEqual(4 * CHUNKS + 2 * minutes);
    }),
    { numRuns: 100 },
  );
});

test("any sequence of acknowledged rounds ends each of them with chunk 0", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(ranges, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 }),
      (rounds) => {
        const bench = Bench.serving();
        for (const requests of rounds) {
          const before = bench.chunks.length;
          const wanted = new Set<number>();
          for (const [number, missing] of requests.entries()) {
            bench.request(`device-${number}`, requestOf(missing));
            for (const [first, count] of missing) {
              for (let index = first; index < Math.min(first + count, CHUNKS); index++) wanted.add(index);
            }
          }
          bench.wait(200);
          const last = wanted.delete(0) ? [0] : [];
          const expected = [...[...wanted].sort((left, right) => left - right), ...last];
          expect(bench.indices.slice(before)).toEqual(expected);
          bench.wait(2_000);
        }
      },
    ),
    { numRuns: 100 },
  );
});

test("the first round waits for devices that still compare their slot, and not for ever", () => {
  const bench = Bench.serving({ expected: { count: 3 } });
  bench.report("bench-2", "checking");
  bench.request("bench-1");
  bench.wait(5_000);
  expect(bench.chunks).toEqual([]);
  bench.report("bench-2", "downloading");
  bench.wait(500);
  expect(bench.indices).toEqual(ASCENDING);
  const stuck = Bench.serving({ expected: { count: 3 } });
  stuck.report("bench-2", "checking");
  stuck.request("bench-1");
  stuck.wait(61_000);
  expect(stuck.indices).toEqual(ASCENDING);
});

test("asks for each chunk by id, and publishes it under that id once it was read", () => {
  const sender = new Sender(optionsOf({ window: 2, timing: { gatherMs: 0 } }));
  const serving = startServing(sender);
  const reads = serving.handle({ type: "request", now: 2, device: "bench-1", payload: requestOf() });
  expect(reads.filter(({ type }) => type === "read-chunk")).toMatchObject([{ index: 1 }, { index: 2 }]);
  expect(reads.some(({ type }) => type === "publish")).toBe(false);
  const [first, second] = reads.flatMap((action) => (action.type === "read-chunk" ? [action] : []));
  const bytes = IMAGE.subarray(2 * CHUNK_SIZE, 3 * CHUNK_SIZE);
  expect(sender.handle({ type: "chunk-read", now: 3, id: second!.id, bytes })).toMatchObject([
    { type: "publish", topic: IMAGE_TOPIC, id: second!.id },
  ]);
  sender.handle({ type: "disconnected", now: 4 });
  const late = {
    type: "chunk-read",
    now: 5,
    id: first!.id,
    bytes: IMAGE.subarray(CHUNK_SIZE, 2 * CHUNK_SIZE),
  } as const;
  expect(sender.handle(late), "the connection that it was read for is gone").toEqual([]);
  expect(sender.handle({ ...late, id: 4711 }), "an id that was never given out").toEqual([]);
  expect(sender.stats).toMatchObject({ chunksSent: 1 });
});

/** Started and connected, with hash list and offer acknowledged. */
function startServing(sender: Sender): Sender {
  let actions = [...sender.handle({ type: "start", now: 0 }), ...sender.handle({ type: "connected", now: 0 })];
  for (let published = actions; published.length > 0; ) {
    actions = published.flatMap((action) =>
      action.type === "publish" ? sender.handle({ type: "drained", now: 1, id: action.id }) : [],
    );
    published = actions.filter(({ type }) => type === "publish");
  }
  return sender;
}
