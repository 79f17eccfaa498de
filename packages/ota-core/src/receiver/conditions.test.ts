import { expect, test } from "vitest";
import { BenchDevice, chunksOf } from "../../test/bench-device.ts";
import { imageIdOfBytes, offerOf, PRODUCT, releaseOf, TOPIC_ROOT } from "../../test/bench-offer.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { buildChunk } from "../messages/chunk.ts";
import { buildHashList } from "../messages/hash-list.ts";
import type { OfferDocument } from "../messages/offer.ts";
import { parseStateReport } from "../messages/state-report.ts";
import type { ReceiverAction } from "./receiver-events.ts";
import { parseReceiverRecord } from "./receiver-record.ts";

const OLD = buildAppImage({ chip: "esp32", version: "1.0.0", projectName: "bench", sizeBytes: 12_000, seed: 1 });
const NEW = buildAppImage({ chip: "esp32", version: "1.1.0", projectName: "bench", sizeBytes: 12_000, seed: 2 });
const IMAGE = imageIdOfBytes(NEW);
const CHUNKS = chunksOf(NEW);

interface Bench {
  readonly device: BenchDevice;
  readonly published: Extract<ReceiverAction, { type: "publish" }>[];
  now: number;
  reboots: number;
}

/** A device that booted and connected. */
function bench(): Bench {
  const published: Bench["published"] = [];
  const state = { now: 0, reboots: 0 };
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
    now: () => state.now,
    onAction: (action) => {
      if (action.type === "publish") published.push(action);
      if (action.type === "reboot" || action.type === "roll-back") state.reboots++;
    },
  });
  device.boot(true);
  device.feed({ type: "connected" });
  return Object.assign(state, { device, published });
}

function offer({ device }: Bench, changes: Partial<OfferDocument> = {}): void {
  device.feed({ type: "offer", payload: offerOf(releaseOf(NEW), changes), retained: true });
}

function deliver(world: Bench): void {
  offer(world);
  world.device.feed({ type: "hashes", image: IMAGE, payload: buildHashList(NEW) });
  for (const index of [...CHUNKS.keys()].reverse()) {
    world.device.feed({ type: "chunk", payload: buildChunk({ image: IMAGE, index, bytes: CHUNKS[index]! }) });
  }
}

function lastReport({ published }: Bench): ReturnType<typeof parseStateReport> {
  return parseStateReport(published.findLast(({ topic }) => topic.endsWith("/state"))!.payload);
}

function typesSince({ device }: Bench, index: number): string[] {
  return device.actions.slice(index).map(({ type }) => type);
}

test("says in its reports whether it knows the time, as soon as it does", () => {
  const world = bench();
  expect(lastReport(world).clock).toBe(false);
  world.device.feed({ type: "clock", utc: Date.UTC(2026, 5, 1) });
  expect(lastReport(world).clock).toBe(true);
  const reports = world.published.length;
  world.device.feed({ type: "clock", utc: Date.UTC(2026, 5, 2) });
  expect(world.published, "a correction is no news").toHaveLength(reports);
  world.device.feed({ type: "clock", utc: undefined });
  expect(lastReport(world).clock).toBe(false);
});

test.for([
  ["an offer that expired by the clock", Date.UTC(2026, 5, 1), 0, "offer/expired"],
  ["an offer that expired since the clock was set", Date.UTC(2026, 4, 31, 23), 3_601_000, "offer/expired"],
  ["no offer that expires in the same second", Date.UTC(2026, 4, 31, 23, 59, 59, 999), 0, undefined],
  ["an offer that expired by the floor, whatever the clock says", Date.UTC(2020, 0, 1), -1, "offer/expired"],
] as const)("refuses %s", ([, utc, laterMs, code]) => {
  const world = bench();
  world.device.feed({ type: "clock", utc });
  // -1: an earlier offer told a later time.
  if (laterMs === -1)
    world.device.feed({ type: "offer", payload: offerOf(null, { issued_at: "2026-07-01T00:00:00Z" }) });
  world.now = Math.max(laterMs, 0);
  offer(world, { sequence: 2, id: "ee".repeat(16), expires_at: "2026-05-31T23:59:59Z" });
  expect(world.device.receiver.error?.code).toBe(code);
});

test("does not write the clock's time to its record", () => {
  const world = bench();
  world.device.feed({ type: "clock", utc: Date.UTC(2030, 0, 1) });
  offer(world);
  expect(parseReceiverRecord(world.device.record!)?.floor?.time).toBe("2026-01-01T00:00:00Z");
});

test("holds a complete image until the application allows the restart", () => {
  const world = bench();
  world.device.feed({ type: "may-reboot", allowed: false });
  deliver(world);
  expect(lastReport(world)).toMatchObject({ state: "ready-to-reboot", image: IMAGE });
  expect(world.device.bootSlot).toBe(0);
  expect(parseReceiverRecord(world.device.record!)?.attempt).toBeUndefined();
  world.device.feed({ type: "disconnected" });
  world.device.feed({ type: "connected" });
  expect(lastReport(world)).toMatchObject({ state: "ready-to-reboot" });
  offer(world);
  expect(world.device.receiver.state, "the same offer changes nothing").toBe("ready-to-reboot");
  const before = world.device.actions.length;
  world.device.feed({ type: "may-reboot", allowed: true });
  expect(typesSince(world, before)).toEqual(["store", "set-boot-partition", "publish", "reboot"]);
  expect(world.reboots).toBe(1);
  world.device.boot(true);
  world.device.feed({ type: "connected" });
  world.device.feed({ type: "self-test", passed: true });
  expect(lastReport(world)).toMatchObject({ state: "confirmed" });
});

test("restarts at once if the application allows it again before the image is complete", () => {
  const world = bench();
  for (const allowed of [false, true]) world.device.feed({ type: "may-reboot", allowed });
  deliver(world);
  expect(world.reboots).toBe(1);
});

test("holds again after a reset, only if the application says so again, and fetches little", () => {
  const world = bench();
  world.device.feed({ type: "may-reboot", allowed: false });
  deliver(world);
  const written = world.device.writtenSectors.length;
  for (const isHeld of [true, false]) {
    world.device.boot(true);
    if (isHeld) world.device.feed({ type: "may-reboot", allowed: false });
    world.device.feed({ type: "connected" });
    offer(world);
    world.device.feed({ type: "hashes", image: IMAGE, payload: buildHashList(NEW) });
    expect(world.reboots).toBe(isHeld ? 0 : 1);
  }
  expect(world.device.writtenSectors).toHaveLength(written);
});

test.for([
  ["a withdrawal", offerOf(null, { sequence: 2, id: "ee".repeat(16) }), "idle"],
  ["a newer offer", offerOf(releaseOf(NEW), { sequence: 2, id: "ee".repeat(16) }), "checking"],
] as const)("%s ends the hold of an image", ([, payload, state]) => {
  const world = bench();
  world.device.feed({ type: "may-reboot", allowed: false });
  deliver(world);
  world.device.feed({ type: "offer", payload, retained: true });
  expect(lastReport(world)).toMatchObject({ state, accepted: [1, 2] });
  world.device.feed({ type: "may-reboot", allowed: true });
  expect(world.device.bootSlot, "it is not started any more").toBe(0);
});

test.for([
  ["down", "delivery/network-down"],
  ["broker-refused", "delivery/broker-refused"],
  ["up", "delivery/broker-not-reached"],
] as const)("keeps across the roll-back what kept the image from the broker: %s", ([status, code]) => {
  const world = bench();
  deliver(world);
  world.device.boot(true);
  world.device.feed({ type: "network", status });
  world.now += status === "down" ? 60_000 : 900_000;
  world.device.feed({ type: "timer", timer: "probation" });
  world.device.boot(true);
  world.device.feed({ type: "connected" });
  expect(lastReport(world)).toMatchObject({ state: "rolled-back", error: { code } });
});

test("renews the will after an offer ended, and only then", () => {
  const world = bench();
  deliver(world);
  world.device.boot(true);
  world.device.feed({ type: "connected" });
  expect(typesSince(world, 0)).not.toContain("renew-will");
  world.device.feed({ type: "self-test", passed: true });
  expect(typesSince(world, 0).filter((type) => type === "renew-will")).toHaveLength(1);
  expect(world.device.actions.at(-1), "after the report").toEqual({ type: "renew-will" });
  for (let round = 0; round < 3; round++) offer(world);
  world.device.feed({ type: "offer", payload: offerOf(releaseOf(NEW, { product: "Other" }), { sequence: 2 }) });
  expect(typesSince(world, 0).filter((type) => type === "renew-will")).toHaveLength(1);
  world.device.feed({ type: "offer", payload: offerOf(null, { sequence: 3, id: "ee".repeat(16) }) });
  expect(typesSince(world, 0).filter((type) => type === "renew-will")).toHaveLength(2);
});

test("passes over a standing offer that the accepted one replaced: no answer, and no count of refusals", () => {
  const world = bench();
  world.device.feed({ type: "offer", payload: offerOf(null, { sequence: 5 }), retained: true });
  const reports = world.published.length;
  for (let connect = 0; connect < 3; connect++) offer(world, { sequence: 4, id: "ee".repeat(16) });
  expect(world.published).toHaveLength(reports);
  expect(world.device.receiver.report(true).refused).toBeUndefined();
  expect(world.device.receiver.stats.dropped).toEqual({ "stale-offer": 3 });
  world.device.feed({ type: "offer", payload: offerOf(null, { sequence: 4, id: "ee".repeat(16) }), retained: false });
  expect(world.device.receiver.report(true).refused).toEqual({ count: 1, code: "offer/stale" });
});

test.for([
  ["offer", new Uint8Array([0x7b]), "protocol/malformed"],
  ["offer", new Uint8Array(4097).fill(0x20), "protocol/too-large"],
] as const)("counts a malformed %s, and answers nobody", ([type, payload, code]) => {
  const world = bench();
  const reports = world.published.length;
  world.device.feed({ type, payload });
  expect(world.device.receiver.report(true).refused).toEqual({ count: 1, code });
  expect(world.device.receiver.stats.dropped).toEqual({ malformed: 1 });
  expect(world.published).toHaveLength(reports);
});

test("reports that it is stalled without a hash list, and that it continues", () => {
  const world = bench();
  offer(world);
  for (let ask = 0; ask < 5; ask++) world.device.feed({ type: "timer", timer: "request" });
  expect(lastReport(world)).toMatchObject({ state: "checking", stalled: true });
  world.device.feed({ type: "hashes", image: IMAGE, payload: buildHashList(NEW) });
  expect(lastReport(world).stalled).toBeUndefined();
});
