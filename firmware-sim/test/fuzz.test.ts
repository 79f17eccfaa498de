import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { drawPlan } from "../src/fuzz/draw-plan.ts";
import { fuzzWorlds } from "../src/fuzz/fuzz-worlds.ts";
import { runPlan } from "../src/fuzz/run-plan.ts";
import { parsePlan } from "../src/fuzz/world-plan.ts";

/** Worlds that once broke an invariant. */
const REGRESSIONS = join(import.meta.dirname, "regressions");

test.for(readdirSync(REGRESSIONS).filter((name) => name.endsWith(".json")))("holds every invariant in %s", (name) => {
  const plan = parsePlan(readFileSync(join(REGRESSIONS, name), "utf8"), name);
  for (const agent of ["ts", "c"] as const) expect(runPlan({ ...plan, agent }).failure).toBeUndefined();
});

test.for(["ts", "c"] as const)("holds every invariant in 30 worlds with agent %s", async (agent) => {
  const result = await fuzzWorlds({ runs: 30, seed: 1, agent });
  expect(result.failures).toEqual([]);
  expect(result.runs).toBe(30);
});

test("covers every kind of event in 150 worlds", async () => {
  const { counts } = await fuzzWorlds({ runs: 150, seed: 10_000, agent: "ts" });
  const steps = ["drop-connection", "cut-power", "cut-flash", "sleep", "die", "partition", "partition-publishers"];
  const more = ["restart-broker", "kill-publisher", "start-publisher"];
  const network = ["dropped", "lost", "duplicated", "delayed", "refused", "takeovers", "keepAliveEnds"];
  const traits = ["window", "joinsAtMs", "flashFactor", "bytesPerSecond", "hasOldBootloader", "selfTest", "badSector"];
  const ends = ["confirmed", "rolled-back", "failed", "off"];
  const names = [
    ...[...steps, ...more].map((name) => `step ${name}`),
    ...network.map((name) => `network ${name}`),
    ...traits.map((name) => `device ${name}`),
    ...ends.map((name) => `ended ${name}`),
  ];
  for (const name of names) expect(counts[name], name).toBeGreaterThan(0);
  expect(counts["network offline"]).toBe(0);
});

test("runs a world the same way every time", () => {
  for (const seed of [3, 20, 87]) expect(runPlan(drawPlan(seed, "ts"))).toEqual(runPlan(drawPlan(seed, "ts")));
});

test("refuses a file that is not a world", () => {
  expect(() => parsePlan("{}", "x.json")).toThrow(/x\.json is not a world/);
  expect(() => parsePlan("{", "x.json")).toThrow(/not a world/);
});
