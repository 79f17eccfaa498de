import fc from "fast-check";
import { expect, test } from "vitest";
import { BenchDevice, chunksOf } from "../../test/bench-device.ts";
import { imageIdOfBytes, offerOf, PRODUCT, releaseOf, TOPIC_ROOT } from "../../test/bench-offer.ts";
import { createReceiver } from "../../test/receiver-under-test.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { buildChunk } from "../messages/chunk.ts";
import { buildHashList } from "../messages/hash-list.ts";
import { parseRequest } from "../messages/request.ts";
import { parseStateReport } from "../messages/state-report.ts";
import { topicsOf } from "../messages/topics.ts";
import type { ReceiverAction } from "./receiver-events.ts";
import { parseReceiverRecord } from "./receiver-record.ts";

const OLD = buildAppImage({ chip: "esp32", version: "1.0.0", projectName: "bench", sizeBytes: 40_000, seed: 1 });
const NEW = buildAppImage({ chip: "esp32", version: "1.1.0", projectName: "bench", sizeBytes: 50_000, seed: 2 });
const IMAGE = imageIdOfBytes(NEW);
const CHUNKS = chunksOf(NEW); // 13

interface Bench {
  readonly device: BenchDevice;
  readonly published: Extract<ReceiverAction, { type: "publish" }>[];
  readonly timers: Map<string, number>;
  now: number;
  rebooted: number;
}

function bench(): Bench {
  const published: Bench["published"] = [];
  const timers: Bench["timers"] = new Map();
  const result: { now: number; rebooted: number } = { now: 0, rebooted: 0 };
  const device = new BenchDevice({
    receiver: {
      device: "bench-1",
      topicRoot: TOPIC_ROOT,
      product: PRODUCT,
      chipId: 0,
      allowUnsigned: true,
      random: () => 0,
    },
    running: OLD,
    now: () => result.now,
    onAction: (action) => {
      if (action.type === "publish") published.push(action);
      if (action.type === "set-timer") timers.set(action.timer, action.at);
      if (action.type === "clear-timer") timers.delete(action.timer);
      if (action.type === "reboot" || action.type === "roll-back") result.rebooted++;
    },
  });
  return Object.assign(result, { device, published, timers });
}

/** Booted, connected, offered, and given the hash list. */
function downloading(offer: Uint8Array = offerOf(releaseOf(NEW))): Bench {
  const result = bench();
  result.device.boot(true);
  result.device.feed({ type: "connected" });
  result.device.feed({ type: "offer", payload: offer });
  result.device.feed({ type: "hashes", image: IMAGE, payload: buildHashList(NEW) });
  return result;
}

function sendChunk({ device }: Bench, index: number, bytes: Uint8Array = CHUNKS[index]!): void {
  device.feed({ type: "chunk", payload: buildChunk({ image: IMAGE, index, bytes }) });
}

function sendAll(world: Bench): void {
  for (let index = 1; index < CHUNKS.length; index++) sendChunk(world, index);
  sendChunk(world, 0);
}

function lastRequest({ published }: Bench): ReturnType<typeof parseRequest> | undefined {
  const request = published.findLast(({ topic }) => topic.endsWith("/request"));
  return request === undefined ? undefined : parseRequest(request.payload);
}

function lastReport({ published }: Bench): ReturnType<typeof parseStateReport> {
  return parseStateReport(published.findLast(({ topic }) => topic.endsWith("/state"))!.payload);
}

test("accepts an offer, downloads every chunk, restarts, passes the self-test and confirms", () => {
  const world = downloading();
  expect(lastReport(world)).toMatchObject({ state: "downloading", accepted: [1, 1], total: 13 });
  expect(lastRequest(world)).toMatchObject({ image: IMAGE, missing: [[0, 13]], missing_count: 13 });
  sendAll(world);
  expect(lastReport(world)).toMatchObject({ state: "ready-to-reboot" });
  expect(world.rebooted).toBe(1);
  expect(world.device.target.subarray(0, OLD.length)).toEqual(OLD); // the other way round: it runs from the new slot

  world.device.boot(true);
  expect(world.device.receiver.state).toBe("pending-verify");
  world.device.feed({ type: "self-test", passed: true });
  expect(world.device.receiver.state, "the broker has not been reached yet").toBe("pending-verify");
  world.device.feed({ type: "connected" });
  expect(lastReport(world)).toMatchObject({ state: "confirmed", version: "1.1.0", slot: "ota_1" });
  expect(parseReceiverRecord(world.device.record!)).toMatchObject({
    accepted: [1, 1],
    outcome: { outcome: "confirmed" },
  });

  world.device.feed({ type: "offer", payload: offerOf(releaseOf(NEW)) });
  expect(world.device.receiver.state, "the standing offer changes nothing").toBe("confirmed");
});

test("leaves no topic that it joins again: the same image under another offer", () => {
  const world = downloading();
  const before = world.device.actions.length;
  world.device.feed({ type: "offer", payload: offerOf(releaseOf(NEW), { sequence: 2, id: "ee".repeat(16) }) });
  const actions = world.device.actions.slice(before);
  const topicsOfType = (type: string): string[] =>
    actions.flatMap((action) => (action.type === type && "topic" in action ? [action.topic] : []));
  const topics = topicsOf(TOPIC_ROOT);
  expect(topicsOfType("unsubscribe")).toEqual([]);
  expect(topicsOfType("subscribe")).toEqual([
    topics.imageChunk(IMAGE),
    topics.deviceChunk("bench-1"),
    topics.hashes(IMAGE),
  ]);
  // Another image: its own topics are joined, those of the one before are left, and the device's own stays.
  const other = buildAppImage({ chip: "esp32", version: "1.2.0", projectName: "bench", sizeBytes: 30_000, seed: 3 });
  const later = world.device.actions.length;
  world.device.feed({ type: "offer", payload: offerOf(releaseOf(other), { sequence: 3, id: "dd".repeat(16) }) });
  const left = world.device.actions
    .slice(later)
    .flatMap((action) => (action.type === "unsubscribe" ? action.topic : []));
  expect(left).toEqual([topics.imageChunk(IMAGE), topics.hashes(IMAGE)]);
});

test("erases sector 0 first and writes chunk 0 last", () => {
  const world = downloading();
  const flash = () => world.device.actions.filter(({ type }) => type === "erase-sector" || type === "program");
  expect(flash()).toEqual([{ type: "erase-sector", offset: 0 }]);
  sendAll(world);
  expect(world.device.writtenSectors.at(-1)).toBe(0);
  expect(world.device.writtenSectors).toHaveLength(13);
});

test("drops an early chunk 0, and requests it when only it is missing", () => {
  const world = downloading();
  sendChunk(world, 0);
  for (let index = 1; index < CHUNKS.length; index++) sendChunk(world, index);
  expect(lastRequest(world)).toMatchObject({ missing: [[0, 1]], missing_count: 1 });
  expect(world.device.receiver.stats.dropped).toEqual({ early: 1 });
});

test.for([
  { why: "hash-mismatch", payload: buildChunk({ image: IMAGE, index: 3, bytes: CHUNKS[4]! }) },
  { why: "other-image", payload: buildChunk({ image: "ff".repeat(16), index: 3, bytes: CHUNKS[3]! }) },
  { why: "out-of-range", payload: buildChunk({ image: IMAGE, index: 13, bytes: CHUNKS[3]! }) },
  { why: "malformed", payload: new Uint8Array([1, 2, 3]) },
] as const)("counts a wrong chunk ($why) without a flash operation", ({ why, payload }) => {
  const world = downloading();
  const before = world.device.erases;
  world.device.feed({ type: "chunk", payload });
  expect(world.device.erases).toBe(before);
  expect(world.device.writtenSectors).toEqual([]);
  expect(world.device.receiver.stats.dropped).toEqual({ [why]: 1 });
});

test("does not write a chunk again that is already in flash", () => {
  const world = downloading();
  sendChunk(world, 5);
  sendChunk(world, 5);
  expect(world.device.writtenSectors).toEqual([5]);
  expect(world.device.receiver.stats.dropped).toEqual({ duplicate: 1 });
});

test("finds a chunk that flash lost when it reads the image back, and downloads only that chunk", () => {
  const world = downloading();
  for (let index = 1; index < CHUNKS.length; index++) sendChunk(world, index);
  world.device.target[7 * 4096 + 5]! ^= 0x10;
  sendChunk(world, 0);
  expect(world.rebooted).toBe(0);
  expect(lastRequest(world)?.missing).toEqual([
    [0, 1],
    [7, 1],
  ]);
  sendChunk(world, 7);
  sendChunk(world, 0);
  expect(world.rebooted).toBe(1);
});

test("downloads an image again whose chunks match but whose hash does not, then rejects it", () => {
  const release = releaseOf(NEW);
  const sha256 = IMAGE + "00".repeat(16); // the same 16 bytes that name the image, another hash
  const world = downloading(offerOf({ ...release, image: { ...release.image, sha256 } }));
  sendAll(world);
  expect(lastRequest(world)?.missing).toEqual([[0, 13]]);
  sendAll(world);
  expect(lastReport(world)).toMatchObject({ state: "failed", error: { code: "delivery/image-mismatch" } });
  expect(world.device.writtenSectors).toHaveLength(26);
  expect(world.device.target.subarray(0, 4096), "nothing is left that could start").toEqual(
    new Uint8Array(4096).fill(0xff),
  );
});

test("requests less often while no useful chunk arrives, finally by unicast, and reports stalled", () => {
  const world = downloading();
  const waits: number[] = [];
  for (let ask = 0; ask < 9; ask++) {
    const due = world.timers.get("request")!;
    waits.push(due - world.now);
    world.now = due;
    world.device.feed({ type: "timer", timer: "request" });
  }
  expect(waits).toEqual([1_500, 3_000, 6_000, 12_000, 24_000, 48_000, 60_000, 60_000, 60_000]);
  expect(lastRequest(world)).toMatchObject({ unicast: true });
  expect(world.device.receiver.report(true).stalled).toBe(true);
  sendChunk(world, 7);
  expect(world.device.receiver.report(true).stalled).toBeUndefined();
  expect(world.timers.get("request")! - world.now).toBe(1_500);
});

test("requests only missing chunks after a clean restart during a download", () => {
  const world = downloading();
  for (const index of [1, 2, 3, 7]) sendChunk(world, index);
  world.device.boot(true);
  world.device.feed({ type: "connected" });
  world.device.feed({ type: "offer", payload: offerOf(releaseOf(NEW)) });
  world.device.feed({ type: "hashes", image: IMAGE, payload: buildHashList(NEW) });
  expect(lastRequest(world)?.missing).toEqual([
    [0, 1],
    [4, 3],
    [8, 5],
  ]);
});

test("downloads chunks beside a gap again after an unclean reset", () => {
  const world = downloading();
  for (const index of [1, 2, 3, 4, 5]) sendChunk(world, index);
  world.device.boot(false);
  world.device.feed({ type: "connected" });
  world.device.feed({ type: "offer", payload: offerOf(releaseOf(NEW)) });
  world.device.feed({ type: "hashes", image: IMAGE, payload: buildHashList(NEW) });
  expect(lastRequest(world)?.missing).toEqual([
    [0, 2],
    [5, 8],
  ]);
});

test("rolls back an image whose self-test fails, makes it unbootable, and does not accept it again", () => {
  const world = downloading();
  sendAll(world);
  world.device.boot(true);
  world.device.feed({ type: "connected" });
  world.device.feed({ type: "self-test", passed: false });
  expect(world.rebooted).toBe(2);
  world.device.boot(true);
  expect(world.device.target.subarray(0, 4)).toEqual(new Uint8Array([0xff, 0xff, 0xff, 0xff]));
  world.device.feed({ type: "connected" });
  expect(lastReport(world)).toMatchObject({
    state: "rolled-back",
    version: "1.0.0",
    slot: "ota_0",
    error: { code: "delivery/self-test-failed" },
  });
  world.device.feed({ type: "offer", payload: offerOf(releaseOf(NEW)) });
  expect(world.device.receiver.state).toBe("rolled-back");
});

test("rolls back an image whose probation ends without a result", () => {
  const world = downloading(offerOf(releaseOf(NEW), { probation_ms: 5_000 }));
  sendAll(world);
  world.device.boot(true);
  expect(world.timers.get("probation")).toBe(world.now + 5_000);
  world.now += 5_000;
  world.device.feed({ type: "timer", timer: "probation" });
  expect(world.device.actions.at(-1)).toEqual({ type: "roll-back" });
});

test("puts an image that boots without the bootloader's protection on probation, for two starts at most", () => {
  const world = downloading();
  sendAll(world);
  world.device.pendingVerify = false; // otadata lost its NEW in a torn write
  world.device.boot(false);
  expect(world.device.receiver.state).toBe("pending-verify");
  world.device.boot(false); // power again, before it could prove itself
  expect(world.device.actions.at(-1)).toEqual({ type: "roll-back" });
});

test("rolls back an image on probation that is not the accepted one, and does not overwrite the other slot", () => {
  const world = downloading();
  sendAll(world);
  world.device.slots[1].set(
    buildAppImage({ chip: "esp32", version: "9.9.9", projectName: "bench", sizeBytes: 50_000 }),
  );
  world.device.boot(true);
  expect(world.device.actions.at(-1)).toEqual({ type: "roll-back" });
  world.device.boot(true);
  world.device.feed({ type: "connected" });
  expect(lastReport(world)).toMatchObject({ state: "rolled-back", error: { code: "delivery/image-mismatch" } });
});

test("keeps the result of an offer regardless of other offers, and repeats it without a flash operation", () => {
  const world = downloading();
  const standing = offerOf(releaseOf(NEW));
  const impossible = offerOf(releaseOf(NEW, { hardware: "esp32s3" }), { sequence: 2, id: "ee".repeat(16) });
  sendAll(world);
  world.device.boot(true);
  world.device.feed({ type: "connected" });
  world.device.feed({ type: "self-test", passed: false });
  world.device.boot(true);
  world.device.feed({ type: "connected" });
  const { stores, erases } = world.device;
  for (let round = 0; round < 20; round++) {
    world.device.feed({ type: "offer", payload: impossible });
    world.device.feed({ type: "offer", payload: standing });
    expect(world.device.receiver.state).toBe("rolled-back");
  }
  expect(world.device.stores).toBe(stores);
  expect(world.device.erases, "it is not fetched again").toBe(erases);
  world.device.boot(true);
  world.device.feed({ type: "connected" });
  world.device.feed({ type: "offer", payload: impossible });
  world.device.feed({ type: "offer", payload: standing });
  const report = world.device.receiver.report(true);
  expect(report).toMatchObject({ state: "rolled-back", error: { code: "delivery/self-test-failed" } });
});

test("two offers that can't be installed, in turn, cost a few reports a minute and no flash operation", () => {
  const world = bench();
  world.device.boot(true);
  world.device.feed({ type: "connected" });
  const impossible = ["aa", "bb"].map((id, index) =>
    offerOf(releaseOf(NEW, { hardware: "esp32s3" }), { sequence: 2 + index, id: id.repeat(16) }),
  );
  const reports = world.published.length;
  for (let round = 0; round < 100; round++) {
    for (const payload of impossible) world.device.feed({ type: "offer", payload });
  }
  expect(world.published.length - reports).toBeLessThanOrEqual(8);
  expect(world.device.stores).toBe(0);
});

test("asks the broker after a probation for the offers that came during it, and takes the newest", () => {
  const world = downloading();
  sendAll(world);
  world.device.boot(true);
  world.device.feed({ type: "connected" });
  const offered = (sequence: number) => offerOf(null, { sequence, id: `${sequence}`.repeat(32) });
  for (const sequence of [9, 7, 8]) world.device.feed({ type: "offer", payload: offered(sequence) });
  expect(lastReport(world)).toMatchObject({ state: "waiting", offer: "8".repeat(32) });
  expect(world.device.receiver.report(true)).toMatchObject({ state: "pending-verify", accepted: [1, 1] });
  const before = world.device.actions.length;
  world.device.feed({ type: "self-test", passed: true });
  expect(lastReport(world)).toMatchObject({ state: "confirmed", accepted: [1, 1] });
  const topics = topicsOf(TOPIC_ROOT);
  expect(world.device.actions.slice(before)).toEqual(
    expect.arrayContaining([
      { type: "subscribe", topic: topics.offer },
      { type: "subscribe", topic: topics.deviceOffer("bench-1") },
    ]),
  );
  for (const sequence of [8, 9, 7]) {
    world.device.feed({ type: "offer", payload: offered(sequence), retained: true });
  }
  expect(world.device.receiver.report(true)).toMatchObject({ accepted: [1, 9], version: "1.1.0" });
});

test("asks the broker for nothing after a probation without offers", () => {
  const world = downloading();
  sendAll(world);
  world.device.boot(true);
  world.device.feed({ type: "connected" });
  const before = world.device.actions.length;
  world.device.feed({ type: "self-test", passed: true });
  expect(world.device.actions.slice(before).filter(({ type }) => type === "subscribe")).toEqual([]);
});

test.for([
  { when: "for another product", changes: { product: "Other" }, code: "offer/wrong-product" },
  { when: "for other hardware", changes: { hardware: "esp32s3" }, code: "offer/wrong-hardware" },
] as const)("an offer $when is rejected before the first erase", ({ changes, code }) => {
  const world = downloading(offerOf(releaseOf(NEW, changes)));
  expect(lastReport(world)).toMatchObject({ state: "rejected", error: { code }, accepted: [0, 0] });
  expect(world.device.erases).toBe(0);
});

test.for([
  { what: "chip", image: { chip_id: 5 }, code: "offer/wrong-chip" },
  { what: "size", image: { size: 1_000_000 }, code: "offer/too-large" },
] as const)("an offer whose image has the wrong $what is rejected before the first erase", ({ image, code }) => {
  const release = releaseOf(NEW);
  const world = downloading(offerOf({ ...release, image: { ...release.image, ...image } }));
  expect(lastReport(world)).toMatchObject({ state: "rejected", error: { code } });
  expect(world.device.erases).toBe(0);
});

test("answers an older offer without any change", () => {
  const world = downloading(offerOf(releaseOf(NEW), { sequence: 7 }));
  const stale = "ffffffffffffffffffffffffffffffff";
  world.device.feed({ type: "offer", payload: offerOf(releaseOf(NEW), { sequence: 6, id: stale }) });
  const answer = world.published.at(-1)!;
  expect(answer.retain).toBe(false);
  expect(parseStateReport(answer.payload)).toMatchObject({
    state: "rejected",
    offer: stale,
    error: { code: "offer/stale" },
  });
  expect(world.device.receiver.state).toBe("downloading");
});

test("reports a conflict for two offers with the same number", () => {
  const world = downloading();
  world.device.feed({ type: "offer", payload: offerOf(null) });
  expect(parseStateReport(world.published.at(-1)!.payload)).toMatchObject({
    error: { code: "offer/sequence-conflict" },
  });
  expect(world.device.receiver.state).toBe("downloading");
});

test("a newer offer replaces the current one, a withdrawal ends it", () => {
  const world = downloading();
  world.device.feed({ type: "offer", payload: offerOf(null, { sequence: 2, id: "ee".repeat(16) }) });
  expect(lastReport(world)).toMatchObject({ state: "idle", offer: "ee".repeat(16), accepted: [1, 2] });
  sendChunk(world, 1);
  expect(world.device.writtenSectors).toEqual([]);
});

test("ignores an offer for other devices or on another topic", () => {
  const world = bench();
  world.device.boot(true);
  world.device.feed({ type: "connected" });
  world.device.feed({ type: "offer", payload: offerOf(releaseOf(NEW), { target: { devices: ["bench-2"] } }) });
  world.device.feed({ type: "offer", payload: offerOf(releaseOf(NEW), { topic_root: "other/ota" }) });
  expect(world.device.receiver.state).toBe("idle");
  expect(world.device.receiver.stats.dropped).toEqual({ "not-for-us": 2 });
});

test("confirms an offer of the running image without a download", () => {
  const world = bench();
  world.device.boot(true);
  world.device.feed({ type: "connected" });
  world.device.feed({ type: "offer", payload: offerOf(releaseOf(OLD)) });
  expect(lastReport(world)).toMatchObject({ state: "confirmed", version: "1.0.0" });
  expect(world.device.erases).toBe(0);
});

test("accepts no unsigned offer if it is not provisioned for that", () => {
  const receiver = createReceiver({
    device: "bench-1",
    topicRoot: TOPIC_ROOT,
    product: PRODUCT,
    chipId: 0,
    allowUnsigned: false,
    random: () => 0,
  });
  const running = { version: "1", projectName: "p", slot: "ota_0", sha256: "00".repeat(32), pendingVerify: false };
  receiver.handle({
    type: "booted",
    now: 0,
    running,
    target: { slot: "ota_1", sizeBytes: 1 << 20, condemned: false },
    record: undefined,
    bootCount: 1,
    cleanReset: true,
    rollback: true,
    secureVersion: 0,
  });
  receiver.handle({ type: "connected", now: 1 });
  const actions = receiver.handle({ type: "offer", now: 1, retained: true, payload: offerOf(releaseOf(NEW)) });
  const [answer] = actions.filter((action) => action.type === "publish");
  expect(answer).toMatchObject({ retain: false });
  expect(parseStateReport(answer!.payload)).toMatchObject({ state: "rejected", error: { code: "offer/untrusted" } });
  expect(receiver.report(true)).toMatchObject({ state: "idle", refused: { count: 1, code: "offer/untrusted" } });
});

test("no message makes a receiver throw, or change flash outside the image", () => {
  const hostile = fc.oneof(
    fc.record({ type: fc.constant("offer" as const), payload: fc.uint8Array({ maxLength: 200 }) }),
    fc.record({ type: fc.constant("chunk" as const), payload: fc.uint8Array({ maxLength: 200 }) }),
    fc.record({
      type: fc.constant("hashes" as const),
      image: fc.constantFrom(IMAGE, "x"),
      payload: fc.uint8Array({ maxLength: 300 }),
    }),
    fc.record({
      type: fc.constant("chunk" as const),
      payload: fc
        .record({ index: fc.nat(40), bytes: fc.uint8Array({ minLength: 1, maxLength: 64 }) })
        .map((chunk) => buildChunk({ image: IMAGE, ...chunk })),
    }),
  );
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 40 }), (events) => {
      const world = downloading();
      const before = world.device.erases;
      for (const event of events) world.device.feed(event);
      expect(world.device.erases).toBe(before);
    }),
    { numRuns: 300 },
  );
});
