import { expect, test } from "vitest";
import { attackedWorld, seen } from "./attacked-world.ts";

const SEEDS = 1_000;

test("a hostile broker makes no device with the receiver in C run what it may not, and none is lost (1 000 seeds)", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      attackedWorld(seed, "c");
    } catch (cause) {
      throw new Error(`the world of seed ${seed}: ${String(cause)}`, { cause });
    }
  }
});

test("covers forged, replayed and interrupted deliveries in those worlds", () => {
  expect(seen.served).toBe(2 * SEEDS);
  expect(seen.finalInstalls).toBeGreaterThan(SEEDS);
  expect(seen.oldInstalls).toBeGreaterThan(SEEDS / 4);
  expect(seen.refused).toBeGreaterThan(5 * SEEDS);
  expect(seen.keySetSteps).toBeGreaterThan(2 * SEEDS);
  expect(seen.powerCuts).toBeGreaterThan(SEEDS / 10);
});
