import fc from "fast-check";
import { expect, test } from "vitest";
import { buildAppImage } from "../src/image/build-app-image.ts";
import { chunksOf } from "./bench-device.ts";
import { Pair } from "./pair.ts";

const OLD = buildAppImage({ chip: "esp32", version: "1.0.0", projectName: "bench", sizeBytes: 20_000, seed: 1 });
const NEW = buildAppImage({ chip: "esp32", version: "1.1.0", projectName: "bench", sizeBytes: 100_000, seed: 2 });
const CHUNK_COUNT = chunksOf(NEW).length;

/** A small generator with a full period (xorshift32), so that a failing seed repeats. */
function randomFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function expectDelivered(pair: Pair, deviceCount: number): void {
  expect(pair.outcome?.reason).toBe("delivered");
  expect(pair.outcome?.devices.map(({ state }) => state)).toEqual(Array(deviceCount).fill("confirmed"));
  for (const device of pair.devices) {
    expect(device.runningSlot).toBe(1);
    expect(device.slots[1].subarray(0, NEW.length)).toEqual(NEW);
  }
}

test("with no loss, three devices cost one image", () => {
  const pair = new Pair(NEW, OLD, 3, { loss: 0, duplication: 0, jitterMs: 0 }, randomFrom(1));
  pair.run();
  expectDelivered(pair, 3);
  expect([...pair.chunksPublished.values()]).toEqual(Array(CHUNK_COUNT).fill(1));
});

test("loss, duplication and reordering between a sender and three receivers end with three whole images", () => {
  let lost = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      fc.record({
        loss: fc.constantFrom(0, 0.01, 0.1, 0.3),
        duplication: fc.constantFrom(0, 0.1),
        jitterMs: fc.constantFrom(0, 50, 2_000),
      }),
      (seed, wire) => {
        const pair = new Pair(NEW, OLD, 3, wire, randomFrom(seed));
        pair.run();
        lost += pair.lost;
        expectDelivered(pair, 3);
      },
    ),
    { numRuns: 40 },
  );
  expect(lost, "the wire did lose chunks").toBeGreaterThan(100);
});
