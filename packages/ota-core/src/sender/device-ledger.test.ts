import { expect, test } from "vitest";
import type { StateReport } from "../schemas/types.generated.ts";
import { DeviceLedger } from "./device-ledger.ts";

const CHUNKS = 100;

function ledgerOf(limit: number, named: readonly string[] = []): DeviceLedger {
  return new DeviceLedger({ named, limit, chunkCount: CHUNKS });
}

function reportOf(device: string, received: number, state: StateReport["state"] = "downloading"): StateReport {
  return {
    protocol: 1,
    device,
    state,
    version: "1.2.3",
    slot: "ota_0",
    running_sha256: "0".repeat(64),
    received,
    total: CHUNKS,
    accepted: [1, 1],
    rollback: true,
    clock: false,
    online: true,
    boot_count: 1,
  };
}

test("a full ledger drops the device that was silent longest, never one that is named", () => {
  const ledger = ledgerOf(2, ["named"]);
  ledger.hear("named", 0);
  ledger.hear("a", 1);
  ledger.hear("b", 2);
  ledger.hear("a", 3);
  ledger.hear("c", 4);
  expect([...ledger.entries()].map(({ device }) => device)).toEqual(["named", "a", "c"]);
  expect([ledger.known, ledger.forgotten]).toEqual([3, 1]);
});

test("does not count a dropped device any more", () => {
  const ledger = ledgerOf(1);
  ledger.report(ledger.hear("a", 0), reportOf("a", 5, "failed"), "failed", 0);
  expect(ledger.counts).toMatchObject({ heard: 1, ended: 1, failed: 1 });
  ledger.hear("b", 1);
  expect(ledger.counts).toEqual({ heard: 0, ended: 0, failed: 0, namedEnded: 0, namedFailed: 0 });
});

test("twenty thousand names and one more leave twenty thousand", () => {
  const ledger = ledgerOf(20_000);
  for (let device = 0; device <= 20_000; device++) ledger.hear(`d${device}`, device);
  expect(ledger.known).toBe(20_000);
  expect(ledger.find("d0")).toBeUndefined();
});

test("progress earns credit once, up to three images", () => {
  const ledger = ledgerOf(1);
  const entry = ledger.hear("a", 0);
  ledger.report(entry, reportOf("a", 50), undefined, 0);
  expect(entry.credit).toBe(300);
  entry.credit = 0;
  for (const received of [80, 10, 80, 32_768]) ledger.report(entry, reportOf("a", received), undefined, 0);
  expect(entry.credit).toBe(50); // 50 → 100 chunks, however often it is reported
});

test("a verdict that is taken back is not counted", () => {
  const ledger = ledgerOf(1, ["a"]);
  const entry = ledger.hear("a", 0);
  ledger.report(entry, reportOf("a", 0, "failed"), "failed", 7);
  expect(entry.endedAt).toBe(7);
  ledger.report(entry, reportOf("a", 1), undefined, 8);
  expect(entry.endedAt).toBeUndefined();
  expect(ledger.counts).toEqual({ heard: 1, ended: 0, failed: 0, namedEnded: 0, namedFailed: 0 });
});

test.for([
  [20, 91], // of twenty, one is 5 %: only who lacks more than the most is behind
  [21, 15], // of twenty-one it is less: who lacks 5 % of the image more than the median
] as const)(
  "among %i devices of which one lacks 90 chunks and the others 10, the threshold is %i",
  ([devices, line]) => {
    const ledger = ledgerOf(100);
    for (let device = 0; device < devices; device++) ledger.hear(`d${device}`, 0).lacking = device === 0 ? 90 : 10;
    expect(ledger.outlierThreshold()).toBe(line);
  },
);

test("fewer than twenty devices have no outlier threshold", () => {
  const ledger = ledgerOf(100);
  for (let device = 0; device < 19; device++) ledger.hear(`d${device}`, 0).lacking = 10;
  expect(ledger.outlierThreshold()).toBe(Number.POSITIVE_INFINITY);
});

test("counts a lost round only by devices that it was for, and each round separately", () => {
  const ledger = ledgerOf(100);
  for (let device = 0; device < 5; device++) {
    const entry = ledger.hear(`d${device}`, 0);
    entry.joinedRound = device < 3 ? 1 : 2;
    entry.lossShare = device < 2 ? 0.5 : 0.1;
  }
  expect(ledger.takeLoss(1)).toBe(0.5);
  expect(ledger.takeLoss(2)).toBe(0);
});

test("returns what the median device lacks", () => {
  const ledger = ledgerOf(100);
  expect(ledger.medianLacking()).toBeUndefined();
  for (const [number, lacking] of [undefined, 3, 90, 5].entries()) ledger.hear(`d${number}`, 0).lacking = lacking;
  expect(ledger.medianLacking()).toBe(5);
});
