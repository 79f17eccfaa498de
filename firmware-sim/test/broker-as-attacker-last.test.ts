// Two files, so that they can run side by side.
import { expect, test } from "vitest";
import { attackedWorld, seen } from "./attacked-world.ts";

/** One half of 5 000. */
const FIRST_SEED = 2_501;
const SEEDS = 2_500;
const PARTS = 5;

test.for(Array.from({ length: PARTS }, (_, part) => FIRST_SEED + part * (SEEDS / PARTS)))(
  "a hostile broker makes no device run what it may not, and none is lost when it turns honest (500 seeds from %i)",
  (first) => {
    for (let seed = first; seed < first + SEEDS / PARTS; seed++) {
      try {
        attackedWorld(seed);
      } catch (cause) {
        throw new Error(`the world of seed ${seed}: ${String(cause)}`, { cause });
      }
    }
  },
);

test("covers forged, replayed and interrupted deliveries in those worlds", () => {
  expect(seen.served).toBe(2 * SEEDS);
  expect(seen.finalInstalls).toBeGreaterThan(SEEDS);
  expect(seen.oldInstalls).toBeGreaterThan(SEEDS / 4);
  expect(seen.refused).toBeGreaterThan(5 * SEEDS);
  expect(seen.keySetSteps).toBeGreaterThan(2 * SEEDS);
  expect(seen.powerCuts).toBeGreaterThan(SEEDS / 10);
});
