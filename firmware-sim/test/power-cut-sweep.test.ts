import { buildAppImage, parsePartitionCsv, TWO_OTA_PARTITION_CSV } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { powerCutSweep } from "../src/simulation/power-cut-sweep.ts";

const CHUNKS = 64;
const OLD = buildAppImage({ version: "1.0.0", sizeBytes: CHUNKS * 4096, seed: 1 });
const NEW = buildAppImage({ version: "2.0.0", sizeBytes: CHUNKS * 4096 - 1000, seed: 2 });

test("power may go before, inside or after every tenth flash operation of an update", () => {
  const result = powerCutSweep({ from: { app: OLD }, to: NEW, every: 10, moments: ["before", "during", "after"] });
  expect(result.violations).toEqual([]);
  // A chunk is one erase and sixteen page programs.
  expect(result.operations).toBeGreaterThan(CHUNKS * 16);
  expect(result.points).toBe(3 * Math.floor(result.operations / 10));
  expect(result.outcomes.confirmed).toBe(result.points);
});

test("power may go inside every flash operation of an update of a device that has a factory app", () => {
  const partitionTable = parsePartitionCsv(TWO_OTA_PARTITION_CSV);
  const to = buildAppImage({ version: "2.0.0", sizeBytes: 6 * 4096, seed: 2 });
  const result = powerCutSweep({ from: { app: OLD, partitionTable }, to, every: 1 });
  expect(result.violations).toEqual([]);
});
