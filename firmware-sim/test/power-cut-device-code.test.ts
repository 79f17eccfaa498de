import { buildAppImage, parsePartitionCsv, TWO_OTA_PARTITION_CSV } from "@tinybms/ota-core/esp";
import { sharedDeviceModule } from "@tinybms/ota-device-wasm";
import { expect, test } from "vitest";
import { powerCutSweep } from "../src/power-cut/sweep.ts";

const image = (version: string, seed: number) => buildAppImage({ version, sizeBytes: 3 * 4096 - 1000, seed });

const FROM = { partitionTable: parsePartitionCsv(TWO_OTA_PARTITION_CSV), app: image("1.0.0", 1) };

test("power cuts end for the device code in C as they do for the receiver in TypeScript", () => {
  const options = { from: FROM, to: image("2.0.0", 2), seed: 1, wornSectors: 1, every: 12 };
  const [reference, device] = (["ts", "c"] as const).map((agent) => powerCutSweep({ ...options, agent }));
  expect(device?.violations).toEqual([]);
  expect(device?.points).toBeGreaterThan(300);
  expect(device).toEqual(reference);
});

test("a sweep gives back the memory of every device that it started", () => {
  const { machineCount } = sharedDeviceModule();
  const options = {
    from: FROM,
    to: image("2.0.0", 2),
    seed: 1,
    agent: "c",
    wornSectors: 1,
    points: 30,
    pairs: 10,
  } as const;
  expect(powerCutSweep(options).violations).toEqual([]);
  expect(sharedDeviceModule().machineCount).toBe(machineCount);
});
