// What nobody should do, and what comes of it: the honest end, in time. docs/deploy.md states the bounds.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  buildRequest,
  buildStateReport,
  type CompetingOffer,
  type DeliveryOutcome,
  imageIdOf,
  parseOffer,
  Sender,
  topicsOf,
} from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { parseEnvelope } from "@tinybms/ota-core/signing";
import { expect, test } from "vitest";
import { copyHardware } from "../src/boot/boot-options.ts";
import { createDevice, createHardware } from "../src/device/create-device.ts";
import type { SimulatedDevice } from "../src/device/device.ts";
import { ContentCache } from "../src/flash/content-cache.ts";
import { runPlan } from "../src/fuzz/run-plan.ts";
import type { PlanStep, WorldPlan } from "../src/fuzz/world-plan.ts";
import { InMemoryBroker } from "../src/simulation/in-memory-broker.ts";
import { ImagePublisher, type Publication, prepareSender, publishImage } from "../src/simulation/publish-image.ts";
import type { PublisherRun, WorldPublisher } from "../src/simulation/publisher-in-world.ts";
import { World } from "../src/simulation/world.ts";

const TOPIC_ROOT = "tinybms/gateway/ota";
const TOPICS = topicsOf(TOPIC_ROOT);
const CHUNKS = 16;
const RATE = 65_536;
const MINUTE_MS = 60_000;
const NEW = buildAppImage({ version: "2.0.0", sizeBytes: CHUNKS * 4096, seed: 2 });
const OTHER = buildAppImage({ version: "3.0.0", sizeBytes: CHUNKS * 4096, seed: 3 });
const HARDWARE = createHardware({ app: buildAppImage({ version: "1.0.0", sizeBytes: CHUNKS * 4096, seed: 1 }) });
HARDWARE.flash.rememberIn(new ContentCache());

function publicationOf(devices: readonly SimulatedDevice[], more: Partial<Publication> = {}): Publication {
  const expected = { devices: devices.map(({ id }) => id) };
  const common = { image: NEW, topicRoot: TOPIC_ROOT, product: "TinyBMS Web Gateway" };
  return { ...common, ...more, sender: { rate: RATE, expected, ...more.sender } };
}

function createFleet(count: number, broker = new InMemoryBroker()) {
  const devices = Array.from({ length: count }, (_, index) =>
    createDevice({ id: `bench-${index + 1}`, hardware: copyHardware(HARDWARE), seed: index + 1 }),
  );
  const sent = { chunks: 0 };
  const world = new World({
    ...{ seed: 1, devices, broker },
    observe: ({ type, topic }) => {
      if (type === "publish" && topic?.endsWith("/chunk") === true) sent.chunks++;
    },
  });
  const publish = (more?: Partial<Publication>) =>
    world.addPublisher(publishImage(publicationOf(devices, more)), TOPIC_ROOT);
  return { world, devices, broker, publish, sent };
}

function endOf(world: World, delivery: PublisherRun, limitMs = 60 * MINUTE_MS): DeliveryOutcome {
  world.runUntil(() => delivery.outcome !== undefined, limitMs);
  if (delivery.outcome === undefined) throw new Error("the delivery has no outcome");
  return delivery.outcome;
}

const { image } = prepareSender(publicationOf([]));

/** Asks for the whole image, ten times a second and for ever. */
function askForEver({ world, broker }: { world: World; broker: InMemoryBroker }, device: string): void {
  const payload = buildRequest({
    ...{ protocol: 1, image: imageIdOf(image.sha256), missing: [[0, CHUNKS]], missing_count: CHUNKS, window: 0 },
    unicast: false,
  });
  const ask = () => {
    broker.publish(TOPICS.request(device), payload, false);
    world.schedule(100, ask);
  };
  world.schedule(0, ask);
}

test.for([1, 2, 10])("serves a fleet, and no more, while %i devices ask for everything for ever", (count) => {
  const fleet = createFleet(3);
  const { world, devices } = fleet;
  const delivery = fleet.publish({ sender: { wait: "cancelled", expected: {} } });
  for (let index = 1; index <= count; index++) askForEver(fleet, `greedy-${index}`);
  world.runUntil(() => devices.every(({ state }) => state === "confirmed"), MINUTE_MS);
  const minutes = 10;
  world.runUntil(() => world.now >= minutes * MINUTE_MS, minutes * MINUTE_MS);
  expect(delivery.outcome).toBeUndefined();
  // One image for the fleet, three for each of them by credit, and then one range a minute.
  expect(fleet.sent.chunks).toBeLessThanOrEqual((1 + count * (3 + minutes)) * CHUNKS);
});

const OFFER = prepareSender(publicationOf([])).offerId;

function reportOf(device: string): Uint8Array {
  return buildStateReport({
    ...({ protocol: 1, device, state: "downloading", offer: OFFER, accepted: [1, 1], online: true } as const),
    ...{ version: "1.0.0", slot: "ota_0", received: 1, total: CHUNKS, running_sha256: "00".repeat(32) },
    ...{ rollback: true, clock: false, boot_count: 1 },
  });
}

test("delivers to the devices that it waits for, in time, among reports of 100 000 that don't exist", () => {
  const { world, broker, publish } = createFleet(3);
  const delivery = publish();
  for (let index = 0; index < 100_000; index++) {
    const device = `ghost-${index}`;
    world.schedule(index / 50, () => broker.publish(TOPICS.state(device), reportOf(device), false));
  }
  const { reason, devices, stats } = endOf(world, delivery);
  expect(reason).toBe("delivered");
  expect(world.now).toBeLessThan(MINUTE_MS);
  expect(devices.filter(({ state }) => state === "confirmed")).toHaveLength(3);
  expect(devices.length).toBeLessThanOrEqual(20_003);
  // At worst one image for each device that exists.
  expect(stats.chunksSent).toBeLessThanOrEqual(3 * CHUNKS);
});

test("gives up devices that don't exist after three minutes of silence, if it waits for nobody by name", () => {
  const { world, broker, publish } = createFleet(1);
  const delivery = publish({ sender: { expected: {} } });
  world.schedule(1_000, () => broker.publish(TOPICS.state("ghost"), reportOf("ghost"), false));
  const { reason, devices } = endOf(world, delivery);
  expect(reason).toBe("device-failed");
  expect(devices.find(({ device }) => device === "ghost")?.error?.code).toBe("delivery/no-device");
  expect(world.now).toBeLessThan(4 * MINUTE_MS);
});

test("keeps no more memory for 100 000 devices than for the 20 000 that it remembers", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const used = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const sender = new Sender(prepareSender(publicationOf([])));
  const report = (from: number, to: number) => {
    for (let index = from; index < to; index++) {
      const device = `ghost-${index}`;
      sender.handle({ type: "state", now: index, device, payload: reportOf(device), retained: false });
    }
    return used();
  };
  sender.handle({ type: "start", now: 0 });
  const before = used();
  const full = report(0, 25_000);
  const later = report(25_000, 100_000);
  expect(sender.stats.dropped["too-many-devices"]).toBe(80_000);
  expect((later - before) / (full - before)).toBeLessThan(1.1);
  // docs/deploy.md states two kilobytes a device, beside a bit for each chunk.
  expect((full - before) / 20_000).toBeLessThan(2_048);
});

const SMALL: WorldPlan = {
  ...{ plan: 1, seed: 1, agent: "ts", chunks: 4, losses: [], steps: [], faultsEndMs: 60_000 },
  network: { latencyMs: [1, 20], bytesPerSecond: 0, receiveBytes: 0, keepAliveMs: 0, inFlightMax: 20, queueMax: 1_000 },
  publisher: { rate: RATE, qos: 1, spreadMs: 0 },
  devices: [{ name: "device-1" }, { name: "device-2" }],
};

/** Runs the small world. The first publisher dies at an event, before it acts on it. @returns Times of its events. */
function runUntilKilled(event: number, steps: readonly PlanStep[]) {
  const times: number[] = [];
  let isFirst = true;
  const createPublisher = (options: ConstructorParameters<typeof ImagePublisher>[0]): WorldPublisher => {
    const publisher = new ImagePublisher(options);
    if (!isFirst) return publisher;
    isFirst = false;
    return {
      handle: (taken) => {
        times.push(taken.now);
        return times.length > event ? [] : publisher.handle(taken);
      },
    };
  };
  return { times, result: runPlan({ ...SMALL, steps }, { parts: { createPublisher } }) };
}

test("ends the same way wherever a publisher is killed and another one started", () => {
  const { times, result } = runUntilKilled(Number.POSITIVE_INFINITY, []);
  expect(times.length).toBeGreaterThan(25);
  const restartMs = 2_000;
  for (const [event, now] of times.entries()) {
    const { result: killed } = runUntilKilled(event, [
      { type: "kill-publisher", atMs: now },
      { type: "start-publisher", atMs: now + restartMs },
    ]);
    expect(killed.failure, `killed at event ${event}`).toBeUndefined();
    expect(killed.ends).toEqual({ confirmed: 2 });
    // What was on its way is sent again, and a device asks again after a minute at the latest.
    expect(killed.chunksSent).toBeLessThanOrEqual(2 * SMALL.chunks);
    expect(killed.endedAtMs).toBeLessThanOrEqual(result.endedAtMs + restartMs + MINUTE_MS);
  }
});

function readOffer(envelope: Uint8Array): CompetingOffer {
  const { id, epoch, sequence, release } = parseOffer(parseEnvelope(envelope).payload);
  return { id, counter: [epoch, sequence], version: release === null ? undefined : "3.0.0", isForAll: true };
}

test("of two publishers of two images the later offer wins, and the other one ends at once and says so", () => {
  const { world, devices, publish } = createFleet(3);
  const first = publish({ sequence: 1, sender: { readOffer } });
  let second: PublisherRun | undefined;
  let supersededAt = Number.POSITIVE_INFINITY;
  world.schedule(900, () => {
    second = publish({ image: OTHER, sequence: 2, sender: { readOffer } });
  });
  world.runUntil(() => {
    if (first.outcome !== undefined) supersededAt = Math.min(supersededAt, world.now);
    return second?.outcome !== undefined;
  }, 10 * MINUTE_MS);
  expect(first.outcome).toMatchObject({ reason: "superseded", by: { counter: [1, 2], version: "3.0.0" } });
  expect(supersededAt).toBeLessThan(1_100);
  expect(second?.outcome?.reason).toBe("delivered");
  for (const { report } of devices) expect(report).toMatchObject({ state: "confirmed", version: "3.0.0" });
});

/** Drops every tenth message, or every message, on the topics with an ending. */
class DroppingBroker extends InMemoryBroker {
  readonly #ending: string;
  readonly #every: number;
  #count = 0;
  dropped = 0;

  constructor(ending: string, every = 10) {
    super();
    this.#ending = ending;
    this.#every = every;
  }

  override publish(topic: string, payload: Uint8Array, retain: boolean, qos: 0 | 1 = 1): void {
    if (topic.endsWith(this.#ending) && ++this.#count % this.#every === 0) this.dropped++;
    else super.publish(topic, payload, retain, qos);
  }
}

test.for(["/chunk", "/request", "/hashes", "/offer"])(
  "delivers through a broker that drops every tenth message on topics with %s",
  (ending) => {
    const broker = new DroppingBroker(ending);
    const { world, publish, sent } = createFleet(10, broker);
    const { reason } = endOf(world, publish());
    expect(reason).toBe("delivered");
    // One publisher sends fewer than ten offers and hash lists.
    expect(broker.dropped > 0).toBe(ending === "/chunk" || ending === "/request");
    expect(sent.chunks).toBeLessThanOrEqual(3 * CHUNKS);
    expect(world.now).toBeLessThan(5 * MINUTE_MS);
  },
);

test.for([
  ["/offer", "not-retained"],
  // Devices report that they have the offer, and then nothing.
  ["/hashes", "device-failed"],
] as const)("ends by itself if a broker drops all messages on topics with %s: %s", ([ending, reason]) => {
  const { world, publish } = createFleet(3, new DroppingBroker(ending, 1));
  expect(endOf(world, publish()).reason).toBe(reason);
  expect(world.now).toBeLessThan(4 * MINUTE_MS);
});

test("ends at its time limit if a broker drops the reports that it waits for, and claims no success", () => {
  const broker = new DroppingBroker("/state");
  const { world, devices, publish } = createFleet(10, broker);
  const { reason, devices: known } = endOf(world, publish({ sender: { timeoutMs: 10 * MINUTE_MS } }));
  expect(broker.dropped).toBeGreaterThan(0);
  expect(devices.every(({ state }) => state === "confirmed")).toBe(true);
  expect(reason).toBe("timeout");
  expect(known.some(({ state }) => state !== "confirmed")).toBe(true);
  expect(world.now).toBeLessThan(10 * MINUTE_MS + 1_000);
});

test("names the third of a fleet that never comes back, three minutes after it was last heard", () => {
  const { world, devices, publish } = createFleet(9);
  const lost = ["bench-1", "bench-4", "bench-7"];
  const delivery = publish();
  for (const device of lost) world.schedule(900, () => world.cutPower(device, undefined));
  const outcome = endOf(world, delivery);
  expect(outcome.reason).toBe("device-failed");
  const failed = outcome.devices.filter(({ error }) => error !== undefined);
  expect(failed.map(({ device }) => device).sort()).toEqual(lost);
  for (const { error } of failed) expect(error?.code).toBe("delivery/no-device");
  expect(devices.filter(({ state }) => state === "confirmed")).toHaveLength(6);
  expect(world.now).toBeLessThan(4 * MINUTE_MS);
});
