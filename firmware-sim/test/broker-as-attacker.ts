// Declares the tests of attacked worlds. Each of the files that call it has half of the seeds of one receiver, so that
// they can run side by side.
import { sharedDeviceModule } from "@tinybms/ota-device-wasm";
import { expect, test } from "vitest";
import type { AgentKind } from "../src/agent/agent-receiver.ts";
import { attackedWorld, seen } from "./attacked-world.ts";

/** Seeds of a half. */
const SEEDS = 2_500;
const PARTS = 5;

/** Declares tests that run half of the seeds from 1 to 5 000. */
export function testAttackedWorlds(agent: AgentKind, half: "first" | "last"): void {
  const firstSeed = half === "first" ? 1 : 1 + SEEDS;

  test.for(Array.from({ length: PARTS }, (_, part) => firstSeed + part * (SEEDS / PARTS)))(
    `a hostile broker makes no device with agent ${agent} run what it may not, and none is lost (500 seeds from %i)`,
    (first) => {
      for (let seed = first; seed < first + SEEDS / PARTS; seed++) {
        try {
          attackedWorld(seed, agent);
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

  test("gives back the memory of every device in those worlds", () => {
    expect(sharedDeviceModule().machineCount).toBe(0);
  });
}
