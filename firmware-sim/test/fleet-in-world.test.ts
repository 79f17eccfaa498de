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
