import {
  buildAppImage,
  buildOtadataEntry,
  OtaImageState,
  otadataEntry,
  parsePartitionCsv,
  TWO_OTA_PARTITION_CSV,
} from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import type { FlashContents } from "../src/device/create-device.ts";
import { powerCutSweep } from "../src/power-cut/sweep.ts";
import { powerCutSweepOnThreads } from "../src/power-cut/sweep-threads.ts";
import { sweptTrust } from "./signed-fleet.ts";

const CHUNK = 4096;
const image = (version: string, chunks: number, seed: number) =>
  buildAppImage({ version, sizeBytes: chunks * CHUNK - (seed === 2 ? 1000 : 0), seed });

/** As a board leaves its factory with its first app: sequence 1, in no state. */
const SELECTED = buildOtadataEntry(otadataEntry(1, OtaImageState.UNDEFINED));

const THREE_SLOTS = parsePartitionCsv(
  [
    "nvs,      data, nvs,   0x9000,  0x4000",
    "otadata,  data, ota,   0xd000,  0x2000",
    "phy_init, data, phy,   0xf000,  0x1000",
    "ota_0,    app,  ota_0, 0x10000, 0x20000",
    "ota_1,    app,  ota_1, 0x30000, 0x20000",
    "ota_2,    app,  ota_2, 0x50000, 0x20000",
  ].join("\n"),
);

const LAYOUTS = {
  "a factory app and two slots": { partitionTable: parsePartitionCsv(TWO_OTA_PARTITION_CSV) },
  "three slots": { partitionTable: THREE_SLOTS },
} satisfies Record<string, FlashContents>;

test.for(Object.entries(LAYOUTS))(
  "power may go in every operation of an update and its roll-back, leaving anything, on a board with %s",
  async ([, layout]) => {
    const from = { ...layout, app: image("1.0.0", 3, 1) };
    const options = { from, to: image("2.0.0", 3, 2), seed: 1, wornSectors: 4 };
    const result = await powerCutSweepOnThreads(options, { threads: 2 });
    expect(result.violations).toEqual([]);
    // Ten variants of an erase, twelve of a program, and every single bit of otadata's entries and NVS's records.
    expect(result.points).toBeGreaterThan(12 * 2 * 3 * 16);
    expect(result.variants["all-but-bit"]).toBeGreaterThan(500);
    expect(result.variants["only-bit"]).toBeGreaterThan(100);
    for (const phase of Object.values(result.phases)) expect(phase).toBeGreaterThan(100);
    // Both outcomes, in number; and the limit of otadata's format, by name.
    expect(result.outcomes.old).toBeGreaterThan(1000);
    expect(result.outcomes.new).toBeGreaterThan(100);
    expect(result.outcomes.unprotectedBoot).toBeGreaterThan(20);
    expect(Object.keys(result.unprotectedBoots).filter((name) => /prefix|untouched|^done$/.test(name))).toEqual([]);
    expect(result.ends.confirmed).toBeGreaterThan(200);
    expect(result.ends.rolledBack).toBeGreaterThan(200);
    expect(result.refetchedMax).toBeLessThanOrEqual(3);
    expect(result.worn).toBe(15); // each of the three sectors, with each of five faults
  },
);

test("survives every pair of cuts in an update of 16 chunks, and many in its rollback", async () => {
  const from = { ...LAYOUTS["three slots"], app: image("1.0.0", 16, 1) };
  const options = {
    from,
    to: image("2.0.0", 16, 2),
    seed: 2,
    every: 10,
    variants: "one",
    recoverEvery: 50,
  } as const;
  const update = await powerCutSweepOnThreads({ ...options, runs: ["update"], pairs: "all" }, { threads: 2 });
  expect(update.violations).toEqual([]);
  expect(update.pairs).toBeGreaterThan(38_503); // all pairs of the slot's 272 operations and five more, and beyond
  expect(update.outcomes.unprotectedBoot).toBeGreaterThan(20);
  const rollback = await powerCutSweepOnThreads({ ...options, runs: ["rollback"], pairs: 2_000 }, { threads: 2 });
  expect(rollback.violations).toEqual([]);
  expect(rollback.ends.rolledBack).toBeGreaterThan(40);
});

test("survives a cut at every operation while it accepts a key set and an offer under it", async () => {
  const from = { ...LAYOUTS["three slots"], app: image("1.0.0", 2, 1) };
  const to = image("2.0.0", 2, 2);
  const options = { from, to, seed: 1, trust: sweptTrust(to), recoverEvery: 3 };
  const result = await powerCutSweepOnThreads(options, { threads: 2 });
  expect(result.violations).toEqual([]);
  expect(result.variants["all-but-bit"]).toBeGreaterThan(500);
  for (const phase of Object.values(result.phases)) expect(phase).toBeGreaterThan(100);
  expect(result.outcomes.unprotectedBoot).toBeGreaterThan(20);
  expect(result.ends.confirmed).toBeGreaterThan(200);
  expect(result.ends.rolledBack).toBeGreaterThan(200);
});

test("loses only a page of NVS when weak cells flip after a cut", () => {
  const to = image("2.0.0", 2, 2);
  const weak = { to, variants: "weak", recoverEvery: 1 } as const;
  const app = image("1.0.0", 2, 1);
  let lostRecords = 0;
  for (let seed = 1; seed <= 4; seed++) {
    const signed = { ...weak, seed, from: { ...LAYOUTS["three slots"], app }, trust: sweptTrust(to) };
    const unsigned = { ...weak, seed, from: { ...LAYOUTS["a factory app and two slots"], app } };
    for (const options of [signed, unsigned]) {
      const result = powerCutSweep(options);
      expect(result.violations).toEqual([]);
      expect(result.recovered).toBe(result.points);
      expect(result.points).toBeGreaterThan(100);
      lostRecords += result.lostRecords;
    }
  }
  // A limit of ESP-IDF, by name: seen, and far from every time.
  expect(lostRecords).toBeGreaterThan(0);
  expect(lostRecords).toBeLessThan(20);
});

test("returns the same result on any number of threads", async () => {
  const from = { app: image("1.0.0", 2, 1), otadata: SELECTED };
  const options = { from, to: image("2.0.0", 2, 2), seed: 3, every: 7, pairs: 200, runs: ["update"] } as const;
  const alone = powerCutSweep(options);
  const progress: number[] = [];
  const onProgress = (part: number) => progress.push(part);
  expect(await powerCutSweepOnThreads(options, { threads: 2, onProgress })).toEqual(alone);
  expect(progress.at(-1)).toBe(1);
  expect(alone.points).toBeGreaterThan(200);
});

test("spreads the given number of points evenly over the run", () => {
  const from = { app: image("1.0.0", 2, 1), otadata: SELECTED };
  const options = { from, to: image("2.0.0", 2, 2), seed: 1, runs: ["update"], points: 300 } as const;
  const result = powerCutSweep(options);
  expect(result.points).toBe(300);
  expect(result.recovered).toBeGreaterThanOrEqual(30);
  for (const phase of ["update", "boot", "probation"] as const) expect(result.phases[phase]).toBeGreaterThan(10);
});

test("refuses a board that would reject the update", () => {
  const from = { app: image("1.0.0", 2, 1), otadata: SELECTED };
  const other = buildAppImage({ chip: "esp32c3", version: "2.0.0", sizeBytes: 2 * CHUNK });
  expect(() => powerCutSweep({ from, to: other, seed: 1 })).toThrow(
    expect.objectContaining({ code: "simulation/update-refused", message: expect.stringContaining("chip") }),
  );
  const oneSlot = parsePartitionCsv("nvs,data,nvs,0x9000,0x4000\notadata,data,ota,,0x2000\nota_0,app,ota_0,,0x20000");
  expect(() =>
    powerCutSweep({ from: { ...from, partitionTable: oneSlot }, to: image("2.0.0", 2, 2), seed: 1 }),
  ).toThrow(
    expect.objectContaining({ code: "simulation/update-refused", message: expect.stringContaining("no OTA slot") }),
  );
});
