import type { DeliveryOutcome } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { copyHardware } from "../src/boot/boot-options.ts";
import { createDevice, createHardware } from "../src/device/create-device.ts";
import { parseFault } from "../src/fault/parse-fault.ts";
import { ContentCache } from "../src/flash/content-cache.ts";
import type { NetworkOptions } from "../src/simulation/network-options.ts";
import { publishImage } from "../src/simulation/publish-image.ts";
import { World } from "../src/simulation/world.ts";

const RATE = 65_536;
const CHUNK = 4_096;

interface Fleet {
  readonly count: number;
  readonly chunks: number;
  /** Share of chunks that each device loses. */
  readonly loss?: number;
  readonly network?: NetworkOptions;
}

/** Delivers an image to a fleet, and returns the number of images sent with the outcome. */
function deliver({ count, chunks, loss = 0, network }: Fleet): {
  images: number;
  outcome: DeliveryOutcome;
  ms: number;
} {
  const image = (version: string, size: number) => buildAppImage({ version, sizeBytes: size * CHUNK, seed: size });
  const hardware = createHardware({ app: image("1.0.0", 16) });
  hardware.flash.rememberIn(new ContentCache());
  const devices = Array.from({ length: count }, (_, index) =>
    createDevice({ id: `bench-${index}`, hardware: copyHardware(hardware), seed: index + 1 }),
  );
  const faults = loss === 0 ? [] : [parseFault(`*:lose=chunk,probability=${loss}`)];
  const world = new World({ seed: 1, devices, faults, network });
  const publication = {
    image: image("2.0.0", chunks),
    topicRoot: "tinybms/gateway/ota",
    product: "TinyBMS Web Gateway",
  };
  const spreadMs = 2 * count;
  const sender = { rate: RATE, spreadMs, expected: { count } };
  const delivery = world.addPublisher(publishImage({ ...publication, spreadMs, sender }), publication.topicRoot);
  world.runUntil(() => delivery.outcome !== undefined, 3_600_000);
  const { outcome } = delivery;
  if (outcome === undefined) throw new Error("the delivery has no outcome");
  return { images: outcome.stats.chunksSent / chunks, outcome, ms: world.now };
}

test("one image serves a thousand devices that lose nothing", () => {
  const { images, outcome } = deliver({ count: 1_000, chunks: 16 });
  expect(outcome.reason).toBe("delivered");
  expect(images).toBeLessThanOrEqual(1.02);
});

test("two and a half images serve 300 devices of which each loses 1 %", () => {
  const { images, outcome } = deliver({ count: 300, chunks: 128, loss: 0.01 });
  expect(outcome.reason).toBe("delivered");
  expect(images).toBeLessThanOrEqual(2.5);
});

test("one image serves devices whose links are slower than the rate, and lag far behind it", () => {
  const network: NetworkOptions = { devices: { bytesPerSecond: RATE / 4 } };
  const { images, outcome, ms } = deliver({ count: 30, chunks: 64, network });
  expect(outcome.reason).toBe("delivered");
  expect(ms).toBeGreaterThan((64 * CHUNK * 4_000) / RATE);
  expect(images).toBeLessThanOrEqual(1.05);
});
