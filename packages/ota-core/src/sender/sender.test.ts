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

test("the offer is published only when the hash list has been acknowledged", () => {
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

test("the same request of ten devices sends each chunk once, chunk 0 last", () => {
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

test("the chunks that are published are those of the image", () => {
  const bench = Bench.serving();
  bench.request("bench-1");
  bench.wait(200);
  for (const { payload } of bench.chunks) {
    const { index, bytes, image } = parseChunk(payload);
    expect(image).toBe(IMAGE_ID.slice(0, 16));
    expect(bytes).toEqual(IMAGE.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE));
  }
});

test("a request during a round joins it, and what the round has passed goes into the next", () => {
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

test("no more chunks are on their way than the window allows", () => {
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

test("chunks keep to the configured bytes a second", () => {
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

test("a round that the median device lost makes the next one slower", () => {
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

test("after a reconnect the hash list comes before the offer again, and chunks on their way are sent again", () => {
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

test("chunks for a single device that were on their way are sent again after a reconnect", () => {
  const bench = Bench.serving({ window: 2 });
  bench.hold = true;
  bench.request("bench-1", requestOf([[0, 4]], { unicast: true, window: 4 }));
  expect(bench.indices).toEqual([1, 2]);
  bench.give({ type: "disconnected" });
  bench.hold = false;
  bench.give({ type: "connected" });
  expect(bench.indices.slice(2)).toEqual([1, 2, 3, 0]);
});

test("a chunk on its way to a device is not sent again, and one that the device should have is", () => {
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

test("the first round waits for the spread of the offer, and not once every expected device asked", () => {
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

test("a device that listens before its request arrives gets nothing twice", () => {
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

test("no round begins while the median device still receives, and none waits for ever", () => {
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
  bench.wait(2_200);
  expect(bench.indices.slice(100)).toEqual([7, 0]);
});

test.for([
  [true, 100],
  [false, 400],
] as const)("the pace follows loss and not lag: while the fleet grows (%s), %i ms for each chunk", ([grows, ms]) => {
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
        [40, 60],
      ]),
    );
  bench.wait(60_000);
  for (const name of names) bench.request(name, requestOf([[0, 100]]));
  const before = bench.chunks.length;
  bench.wait(60_000);
  const round = bench.chunks.slice(before);
  expect((round[60]!.at - round[20]!.at) / 40).toBeCloseTo(ms, -1);
});

test("a round that a lost connection cut short says nothing about the pace", () => {
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

test("a late acknowledgement of the lost connection frees nothing", () => {
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

test("a device that asks for its own topic gets at most its window there, and chunk 0 only with everything else", () => {
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

test("a lone device is answered on the image's topic even when it asks for its own", () => {
  const bench = Bench.serving();
  bench.request("bench-1", requestOf([[0, CHUNKS]], { unicast: true, window: 4 }));
  expect(bench.chunks.map(({ topic }) => topic)).toEqual(Array.from({ length: 4 }, () => IMAGE_TOPIC));
});

test("devices that report under other offers are no company: a lone device is still one", () => {
  const bench = Bench.serving();
  for (let index = 0; index < 50; index++) {
    const device = `stranger-${index}`;
    const payload = reportOf(device, "confirmed", { offer: OTHER_OFFER_ID });
    bench.give({ type: "state", device, payload, retained: false });
  }
  bench.request("bench-1", requestOf([[0, CHUNKS]], { unicast: true, window: 4 }));
  expect(bench.chunks.map(({ topic }) => topic)).toEqual(Array.from({ length: 4 }, () => IMAGE_TOPIC));
});

test("a device far behind the others is answered on its own topic", () => {
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

test("a device that asks for everything five times a second costs three images, and one more if it reports progress", () => {
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
  expect(bench.sender.stats.dropped["no-credit"]).toBeGreaterThan(200);
});

test("answers on a device's own topic cost its credit too", () => {
  const bench = Bench.serving({ expected: { count: 2 } }, 40);
  bench.report("bench-2", "downloading");
  for (let asked = 0; asked < 100; asked++) bench.request("liar", requestOf([[0, 40]], { unicast: true }));
  expect(bench.chunks).toHaveLength(3 * 40);
});

test("without credit a device gets one range a minute, on its own topic", () => {
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

test("a chunk that others ask for too costs nobody's credit", () => {
  const bench = Bench.serving();
  for (let round = 0; round < 8; round++) {
    bench.request("bench-1");
    bench.request("bench-2");
    bench.wait(2_000);
  }
  expect(bench.chunks).toHaveLength(8 * CHUNKS);
  expect(bench.sender.stats.dropped["no-credit"]).toBe(0);
});

test("a retained report of another offer is history", () => {
  const bench = Bench.serving();
  bench.report("bench-1", "confirmed", { offer: OTHER_OFFER_ID }, true);
  expect(bench.outcome).toBeUndefined();
  expect(bench.sender.devices).toMatchObject([{ device: "bench-1", state: undefined, heardAtMs: undefined }]);
});

test("a retained report under the offer is what the device said while nobody listened", () => {
  const bench = Bench.serving();
  bench.report("bench-1", "confirmed", {}, true);
  expect(bench.outcome?.reason).toBe("delivered");
});

test("a report of another offer, or of none, shows only that the device is heard", () => {
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

test("a report in another device's name is malformed", () => {
  const bench = Bench.serving();
  bench.give({ type: "state", device: "bench-2", payload: reportOf("bench-1", "confirmed"), retained: false });
  expect(bench.outcome).toBeUndefined();
  expect(bench.sender.stats.dropped.malformed).toBe(1);
});

test("a device that holds back its restart is not unreachable, unless its will says that it is gone", () => {
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

test("a will marks a device offline, and says nothing else", () => {
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

test.for(ENDS)("a delivery that waits for %s and hears %s ends as %s", ([wait, state, reason]) => {
  const bench = Bench.serving({ wait });
  bench.report("bench-1", state);
  expect(bench.outcome?.reason).toBe(reason);
});

test("a delivery that waits for nothing ends when the broker gives back the offers and the hash list", () => {
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

test("a delivery to named devices waits for each, and for no other", () => {
  const bench = Bench.serving({ expected: { devices: ["a", "b"] } });
  bench.report("a", "confirmed");
  bench.report("c", "failed");
  expect(bench.outcome).toBeUndefined();
  bench.report("b", "confirmed");
  expect(bench.outcome?.reason).toBe("delivered");
  expect(bench.outcome?.devices.map(({ device }) => device)).toEqual(["a", "b", "c"]);
});

test("a delivery to a number of devices waits for as many, and fails with one", () => {
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

test("without a word on whom to expect, a delivery ends two seconds after the last newcomer when all have ended", () => {
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

test("a device that was heard and then falls silent is given up after three minutes, not before", () => {
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

test("a device given up comes back with its next word", () => {
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

test("a timer that fires early is set again, so that no round waits for ever", () => {
  const bench = Bench.serving();
  bench.give({ type: "request", device: "bench-1", payload: requestOf() });
  const at = bench.timers.get("gather") as number;
  bench.now = at - 1;
  expect(bench.give({ type: "timer", timer: "gather" })).toEqual([{ type: "set-timer", timer: "gather", at }]);
  bench.now = at;
  const actions = bench.give({ type: "timer", timer: "gather" });
  expect(actions.filter(({ type }) => type === "publish")).toHaveLength(CHUNKS);
});

test("the sender's own time offline is nobody's silence", () => {
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
] as const)("a delivery out of time ends as %s when a device was heard: %s", ([reason, heard]) => {
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

test("a request for another image is counted, and not answered", () => {
  const bench = Bench.serving();
  bench.request("bench-1", requestOf([[0, 4]], { image: "0".repeat(32) }));
  bench.wait(1_000);
  expect(bench.chunks).toEqual([]);
  expect(bench.sender.stats).toMatchObject({ requests: 0, dropped: { "other-image": 1 } });
});

test("ranges beyond the image are clipped to it", () => {
  const bench = Bench.serving();
  bench.request("bench-1", requestOf([[8, 30_000]]));
  bench.request("bench-2", requestOf([[CHUNKS, 5]]));
  bench.wait(1_000);
  expect(bench.indices).toEqual([8, 9]);
  expect(bench.sender.stats.dropped.malformed).toBe(1);
});

test("a device whose name does not fit into a topic is malformed", () => {
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

test("whatever comes in, in any order: nothing throws, the window holds, and a request costs at most one image", () => {
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

test("a device alone never costs more than its credit, the progress it claims, and a range a minute", () => {
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
