import { expect, test } from "vitest";
import type { NetworkOptions } from "../src/simulation/network-options.ts";
import { CHUNK, deliverInWorld, RATE } from "./deliver-in-world.ts";

test("one image serves a thousand devices that lose nothing", () => {
  const { images, outcome } = deliverInWorld({ count: 1_000, chunks: 16 });
  expect(outcome.reason).toBe("delivered");
  expect(images).toBeLessThanOrEqual(1.02);
});

test.each([
  { count: 300, chunks: 128 },
  { count: 1_000, chunks: 32 },
])("two and a half images of $chunks chunks serve $count devices of which each loses 1 %", (fleet) => {
  const { images, outcome } = deliverInWorld({ ...fleet, loss: 0.01 });
  expect(outcome.reason).toBe("delivered");
  expect(images).toBeLessThanOrEqual(2.5);
});

test("one image serves devices whose links are slower than the rate, and lag far behind it", () => {
  const network: NetworkOptions = { devices: { bytesPerSecond: RATE / 4 } };
  const { images, outcome, ms } = deliverInWorld({ count: 30, chunks: 64, network });
  expect(outcome.reason).toBe("delivered");
  expect(ms).toBeGreaterThan((64 * CHUNK * 4_000) / RATE);
  expect(images).toBeLessThanOrEqual(1.05);
});

test.for([
  { count: 3, rate: RATE, most: 1.3 },
  { count: 30, rate: RATE, most: 1.3 },
  // Without a rate, each round is a burst of which the queue keeps three chunks.
  { count: 30, rate: 0, most: 17 },
])("a broker that queues two messages for a device ends at $most images: $count devices, rate $rate", (fleet) => {
  const network: NetworkOptions = { latencyMs: [10, 10], devices: { limits: { inFlightMax: 1, queueMax: 2 } } };
  const { images, outcome } = deliverInWorld({ ...fleet, chunks: 128, network });
  expect(outcome.reason).toBe("delivered");
  expect(images).toBeLessThanOrEqual(fleet.most);
});
