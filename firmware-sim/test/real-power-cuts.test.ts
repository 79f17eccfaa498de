import { existsSync, readFileSync } from "node:fs";
import { concatBytes } from "@tinybms/ota-core";
import { expect, test } from "vitest";
import { powerCutSweep } from "../src/simulation/power-cut-sweep.ts";

const FIRMWARE = process.env.TINYBMS_FIRMWARE
  ? new URL(`file://${process.env.TINYBMS_FIRMWARE}/`)
  : new URL("../../../shared/firmware/", import.meta.url);
const isAbsent = !existsSync(FIRMWARE);
const note = isAbsent ? " (skipped: no real firmware here)" : "";

const read = (file: string) => new Uint8Array(readFileSync(new URL(file, FIRMWARE)));

test.skipIf(isAbsent)(
  `an ESP32 with WLED 0.14.3 gets to 0.14.4 through a power cut at every tenth flash operation${note}`,
  { timeout: 180_000 },
  () => {
    // Bootloader, partition table, used NVS and otadata, merged from 0; the app goes to 0x10000.
    const merged = read("boot/esp32_bootloader_v4.bin");
    const blank = new Uint8Array(0x10000 - merged.length).fill(0xff);
    const flashDump = concatBytes([merged, blank, read("0.14.3/WLED_0.14.3_ESP32.bin")]);
    const from = { chip: "esp32", flashSizeBytes: 4 * 2 ** 20, flashDump } as const;
    const result = powerCutSweep({ from, to: read("0.14.4/WLED_0.14.4_ESP32.bin"), every: 10 });
    expect(result.violations).toEqual([]);
    expect(result.points).toBeGreaterThan(500);
    expect(result.outcomes.confirmed).toBe(result.points);
    expect(result.refetchedMax).toBeLessThanOrEqual(3);
  },
);
