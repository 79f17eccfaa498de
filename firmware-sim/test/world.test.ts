import { concatBytes, equalBytes, sha256, toHex } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { createDevice, type DeviceSpec } from "../src/device/create-device.ts";
import type { SimulatedDevice } from "../src/device/device.ts";
import { partitionBytes } from "../src/device/device-partitions.ts";
import { parseFault } from "../src/fault/parse-fault.ts";
import { publishImage } from "../src/simulation/publish-image.ts";
import { World } from "../src/simulation/world.ts";

const TOPIC_ROOT = "tinybms/gateway/ota";
const PRODUCT = "TinyBMS Web Gateway";
const CHUNKS = 64;
const OLD = buildAppImage({ version: "1.0.0", sizeBytes: CHUNKS * 4096, seed: 1 });
/** A last chunk that is not full. */
const NEW = buildAppImage({ version: "2.0.0", sizeBytes: CHUNKS * 4096 - 1000, seed: 2 });

function makeDevice(id: string, spec: Partial<DeviceSpec> = {}): SimulatedDevice {
  return createDevice({ id, app: OLD, topicRoot: TOPIC_ROOT, product: PRODUCT, ...spec });
}

function publish(world: World): ReturnType<World["addPublisher"]> {
  return world.addPublisher(publishImage({ image: NEW, topicRoot: TOPIC_ROOT, product: PRODUCT }), TOPIC_ROOT);
}

/** The first bytes of the slot that runs, as many as the new image has. */
function runningBytes(device: SimulatedDevice): Uint8Array {
  return partitionBytes(device.hardware.flash, device.report?.slot ?? "", NEW.length);
}

const isConfirmed = ({ status, state }: SimulatedDevice) => status === "running" && state === "confirmed";

test("installs an update, and runs it confirmed from the other slot", () => {
  const device = makeDevice("bench-1");
  const world = new World({ seed: 1, devices: [device] });
  const delivery = publish(world);
  world.runUntil(() => delivery.outcome !== undefined, 600_000);
  expect(delivery.outcome?.reason).toBe("delivered");
  expect(device.summary()).toMatchObject({
    device: "bench-1",
    state: "confirmed",
    version: "2.0.0",
    slot: "ota_1",
    otadata: [
      { sequence: 4, state: "valid", valid: true },
      { sequence: 3, state: "valid", valid: true },
    ],
    bootCount: 2,
  });
  expect(toHex(sha256(runningBytes(device)))).toBe(toHex(sha256(NEW)));
  expect(device.totals.chunksUseful).toBe(CHUNKS);
  expect(device.hardware.flash.violations).toEqual([]);
});

test("installs a second update into the first slot", () => {
  const device = makeDevice("bench-1");
  const world = new World({ seed: 1, devices: [device] });
  publish(world);
  world.runUntil(() => isConfirmed(device), 600_000);
  const third = buildAppImage({ version: "3.0.0", sizeBytes: 20 * 4096, seed: 3 });
  const options = { image: third, topicRoot: TOPIC_ROOT, product: PRODUCT, sequence: 2 };
  const delivery = world.addPublisher(publishImage(options), TOPIC_ROOT);
  world.runUntil(() => delivery.outcome !== undefined, 600_000);
  expect(device.summary()).toMatchObject({ state: "confirmed", version: "3.0.0", slot: "ota_0", bootCount: 3 });
});

test("rolls back an image that fails its self-test, and reports the reason", () => {
  const device = makeDevice("bench-1", { faults: [parseFault("bench-1:self-test=fail")] });
  const world = new World({ seed: 1, devices: [device] });
  const delivery = publish(world);
  world.runUntil(() => delivery.outcome !== undefined, 600_000);
  expect(delivery.outcome?.reason).toBe("device-failed");
  expect(device.summary()).toMatchObject({
    state: "rolled-back",
    version: "1.0.0",
    slot: "ota_0",
    bootCount: 3,
    error: { code: "delivery/self-test-failed" },
  });
  expect(equalBytes(runningBytes(device), OLD.subarray(0, NEW.length))).toBe(true);
});

test("rolls back an image whose self-test hangs, after its probation", () => {
  const device = makeDevice("bench-1", { faults: [parseFault("*:self-test=hang,version=2.0.0")] });
  const world = new World({ seed: 1, devices: [device] });
  publish(world);
  world.runUntil(() => device.state === "rolled-back", 600_000);
  expect(device.summary()).toMatchObject({ state: "rolled-back", version: "1.0.0" });
  expect(world.now).toBeGreaterThan(60_000);
});

test("fetches at most three chunks twice after a power cut during the download", () => {
  const device = makeDevice("bench-1", { faults: [parseFault("bench-1:power-cut@at=50%")] });
  const world = new World({ seed: 1, devices: [device] });
  publish(world);
  world.runUntil(() => isConfirmed(device), 600_000);
  expect(device.powerCutCount).toBe(1);
  expect(equalBytes(runningBytes(device), NEW)).toBe(true);
  expect(device.totals.chunksUseful - CHUNKS).toBeLessThanOrEqual(3);
});

test("runs the same way every time for one seed", () => {
  const run = () => {
    const device = makeDevice("bench-1");
    const world = new World({ seed: 7, devices: [device], faults: [parseFault("*:lose=chunk,probability=0.2")] });
    publish(world);
    world.runUntil(() => isConfirmed(device), 3_600_000);
    return { now: world.now, log: world.log, totals: device.totals, flash: device.summary().flash };
  };
  expect(run()).toEqual(run());
});

test.for(Array.from({ length: 30 }, (_, index) => index + 1))(
  "three devices behind a lossy network end confirmed with whole images (seed %i)",
  (seed) => {
    const devices = ["bench-1", "bench-2", "bench-3"].map((id) => makeDevice(id, { seed }));
    const lost = ["chunk", "hashes", "request", "state"].map((kind) => `*:lose=${kind},probability=0.1`);
    const faults = [...lost, "*:duplicate=any,probability=0.1", "*:delay=chunk,probability=0.3"];
    const world = new World({ seed, devices, faults: faults.map(parseFault) });
    publish(world);
    world.runUntil(() => devices.every(isConfirmed), 24 * 3_600_000);
    for (const device of devices)
      expect(equalBytes(runningBytes(device), NEW), `${device.id}, seed ${seed}`).toBe(true);
  },
);

test("finishes an update although its connection breaks repeatedly", () => {
  const device = makeDevice("bench-1");
  const world = new World({ seed: 3, devices: [device] });
  publish(world);
  for (let count = 0; count < 5; count++) {
    const { now } = world;
    world.runUntil(() => world.now > now + 700, 10_000);
    world.dropConnection("bench-1", 300);
  }
  world.runUntil(() => isConfirmed(device), 3_600_000);
  expect(equalBytes(runningBytes(device), NEW)).toBe(true);
});

test("rejects an update without OTA slots, and does not change", () => {
  const partitionTable = {
    entries: [
      { label: "nvs", type: 1, subtype: 2, offset: 0x9000, size: 0x6000, flags: 0 },
      { label: "factory", type: 0, subtype: 0, offset: 0x10000, size: 0x100000, flags: 0 },
    ],
  };
  const device = makeDevice("bench-1", { partitionTable });
  const world = new World({ seed: 1, devices: [device] });
  publish(world);
  world.runUntil(() => device.state === "rejected", 600_000);
  expect(device.summary()).toMatchObject({ slot: "factory", otadata: [], error: { code: "offer/no-slot" } });
});

test("does not start the new image if it can't record its attempt", () => {
  const app = (label: string, subtype: number, offset: number) => {
    return { label, type: 0, subtype, offset, size: 0x100000, flags: 0 };
  };
  const otadata = { label: "otadata", type: 1, subtype: 0, offset: 0xe000, size: 0x2000, flags: 0 };
  const partitionTable = { entries: [otadata, app("ota_0", 0x10, 0x10000), app("ota_1", 0x11, 0x110000)] };
  const device = makeDevice("bench-1", { partitionTable });
  const world = new World({ seed: 1, devices: [device] });
  publish(world);
  world.runUntil(() => device.state === "failed", 600_000);
  expect(device.summary()).toMatchObject({ slot: "ota_0", version: "1.0.0", bootCount: 1 });
});

test("never starts an image followed by bytes that the device could not recognize", () => {
  const device = makeDevice("bench-1");
  const world = new World({ seed: 1, devices: [device] });
  const image = concatBytes([NEW, new Uint8Array(100).fill(7)]);
  world.addPublisher(publishImage({ image, topicRoot: TOPIC_ROOT, product: PRODUCT }), TOPIC_ROOT);
  world.runUntil(() => device.state === "failed", 600_000);
  expect(device.summary()).toMatchObject({
    slot: "ota_0",
    version: "1.0.0",
    bootCount: 1,
    error: { code: "delivery/image-mismatch" },
  });
});

test("reports its seed and the states of its devices if it does not finish", () => {
  const world = new World({ seed: 42, devices: [makeDevice("bench-1")] });
  expect(() => world.runUntil(() => false, 5_000)).toThrow(/world of seed 42: not done at .* bench-1 running idle/);
});
