import { equalBytes } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { createDevice } from "../src/device/create-device.ts";
import type { SimulatedDevice } from "../src/device/device.ts";
import { partitionBytes } from "../src/device/device-partitions.ts";
import { MOSQUITTO_LIMITS } from "../src/simulation/network-options.ts";
import { publishImage } from "../src/simulation/publish-image.ts";
import { World, type WorldOptions } from "../src/simulation/world.ts";

const TOPIC_ROOT = "tinybms/gateway/ota";
const PRODUCT = "TinyBMS Web Gateway";
const CHUNKS = 16;
const OLD = buildAppImage({ version: "1.0.0", sizeBytes: CHUNKS * 4096, seed: 1 });
const NEW = buildAppImage({ version: "2.0.0", sizeBytes: CHUNKS * 4096, seed: 2 });

/** A world of devices behind a broker with Mosquitto's limits, and a publisher with a pace. */
function createFleet(count: number, options: Partial<WorldOptions> = {}) {
  const devices = Array.from({ length: count }, (_, index) =>
    createDevice({ id: `bench-${index + 1}`, app: OLD, topicRoot: TOPIC_ROOT, product: PRODUCT }),
  );
  const line = { keepAliveMs: 60_000, limits: MOSQUITTO_LIMITS, receiveBytes: 5_744 };
  const network = { devices: line, publishers: line };
  const world = new World({ seed: 1, devices, network, ...options });
  const publish = () => {
    const sender = { rate: 65_536, expected: { count } };
    const publication = { image: NEW, topicRoot: TOPIC_ROOT, product: PRODUCT, spreadMs: 2 * count, sender };
    return world.addPublisher(publishImage(publication), TOPIC_ROOT);
  };
  return { world, devices, publish, delivery: publish() };
}

const isConfirmed = ({ status, state }: SimulatedDevice) => status === "running" && state === "confirmed";

function expectUpdated(devices: readonly SimulatedDevice[]): void {
  for (const { hardware, report } of devices) {
    expect(equalBytes(partitionBytes(hardware.flash, report?.slot ?? "", NEW.length), NEW)).toBe(true);
  }
}

test("updates a fleet behind a broker with Mosquitto's limits", () => {
  const { world, devices, delivery } = createFleet(30);
  world.runUntil(() => delivery.outcome !== undefined, 3_600_000);
  expect(delivery.outcome?.reason).toBe("delivered");
  expect(world.counts).toMatchObject({ lost: 0, offline: 0, connections: 61 });
  expectUpdated(devices);
});

test("updates devices of which some join late, are slow, or have little bandwidth", () => {
  const traits = new Map([
    ["bench-1", { joinsAtMs: 120_000 }],
    ["bench-2", { flashFactor: 8 }],
    ["bench-3", { bytesPerSecond: 2_048, latencyMs: 800 }],
  ]);
  const { world, devices, delivery } = createFleet(4, { traits });
  world.runUntil(() => delivery.outcome !== undefined, 3_600_000);
  expect(delivery.outcome?.reason).toBe("delivered");
  expect(world.now).toBeGreaterThan(120_000);
  expectUpdated(devices);
});

test.for([true, false])("updates a fleet whose broker restarts (with its store: %s)", (withStore) => {
  const { world, devices, delivery } = createFleet(5);
  world.schedule(900, () => world.restartBroker(3_000, withStore));
  world.runUntil(() => delivery.outcome !== undefined, 3_600_000);
  expect(delivery.outcome?.reason).toBe("delivered");
  expect(world.counts.brokerRestarts).toBe(1);
  expect(world.counts.refused).toBeGreaterThan(0);
  expectUpdated(devices);
});

test("updates a fleet through partitions longer than the keep-alive", () => {
  const { world, devices, publish } = createFleet(4);
  world.schedule(900, () => world.partition(["bench-1", "bench-2"], 200_000));
  world.schedule(1_000, () => world.partitionPublishers(30_000));
  // The first one gives up devices that were silent for three minutes.
  world.schedule(300_000, publish);
  world.runUntil(() => devices.every(isConfirmed), 3_600_000);
  expect(world.counts.partitions).toBe(3);
  expect(world.counts.keepAliveEnds).toBeGreaterThan(1);
  expectUpdated(devices);
});

test("updates a device that sleeps 59 minutes of 60, and one whose power fails between two events", () => {
  const { world, devices, publish } = createFleet(2);
  world.schedule(3_600_000, publish);
  world.schedule(1_000, () => world.sleep("bench-1", 59 * 60_000));
  world.schedule(1_000, () => world.cutPower("bench-2", 500));
  world.runUntil(() => devices.every(isConfirmed), 2 * 3_600_000);
  expect(world.now).toBeGreaterThan(59 * 60_000);
  expect(devices[1]?.powerCutCount).toBe(1);
  expectUpdated(devices);
});

test("leaves a device off whose power does not return", () => {
  const { world, devices } = createFleet(2);
  world.schedule(1_000, () => world.cutPower("bench-1", undefined));
  world.runUntil(() => devices.slice(1).every(isConfirmed), 3_600_000);
  expect(devices[0]?.status).toBe("off");
});

test("answers after its publisher is killed and another one serves the offer", () => {
  const { world, devices, delivery, publish } = createFleet(2);
  world.schedule(800, () => delivery.kill());
  world.schedule(30_000, publish);
  world.runUntil(() => devices.every(isConfirmed), 3_600_000);
  expect(delivery.outcome).toBeUndefined();
  expectUpdated(devices);
});

test("hears of devices whose reports the broker dropped, before it calls them unreachable", () => {
  const network = { publishers: { limits: { inFlightMax: 1, queueMax: 12 } } };
  const { world, devices, delivery } = createFleet(12, { network });
  world.runUntil(() => delivery.outcome !== undefined, 3_600_000);
  expect(world.counts.dropped).toBeGreaterThan(0);
  expect(devices.every(isConfirmed)).toBe(true);
  expect(delivery.outcome?.reason).toBe("delivered");
});
