import { existsSync, readFileSync } from "node:fs";
import { concatBytes } from "@tinybms/ota-core";
import type { ChipName } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { AGENT_KINDS } from "../src/agent/agent-receiver.ts";
import type { FlashContents } from "../src/device/create-device.ts";
import { powerCutSweepOnThreads } from "../src/power-cut/sweep-threads.ts";

const FIRMWARE = process.env.TINYBMS_FIRMWARE
  ? new URL(`file://${process.env.TINYBMS_FIRMWARE}/`)
  : new URL("../../../shared/firmware/", import.meta.url);
const isAbsent = !existsSync(FIRMWARE);
const note = isAbsent ? " (skipped: no real firmware here)" : "";

const read = (file: string) => new Uint8Array(readFileSync(new URL(file, FIRMWARE)));

/** Bootloader, partition table, used NVS and otadata, merged from 0; the app goes to 0x10000. */
function merged(chip: ChipName, file: string, app: string): FlashContents {
  const start = read(file);
  const blank = new Uint8Array(0x10000 - start.length).fill(0xff);
  return { chip, flashSizeBytes: 4 * 2 ** 20, flashDump: concatBytes([start, blank, read(app)]) };
}

interface RealUpdate {
  readonly name: string;
  readonly board: () => FlashContents;
  readonly update: string;
}

const UPDATES: readonly RealUpdate[] = [
  {
    name: "ESP32",
    board: () => merged("esp32", "boot/esp32_bootloader_v4.bin", "0.14.3/WLED_0.14.3_ESP32.bin"),
    update: "0.14.4/WLED_0.14.4_ESP32.bin",
  },
  {
    name: "ESP32-C3",
    board: () => merged("esp32c3", "boot/esp32-c3_bootloader_v2.bin", "0.14.3/WLED_0.14.3_ESP32-C3.bin"),
    update: "0.14.4/WLED_0.14.4_ESP32-C3.bin",
  },
  {
    name: "ESP32-S3",
    board: () => ({
      chip: "esp32s3",
      flashSizeBytes: 8 * 2 ** 20,
      bootloader: read("boot/bootloader_s3.bin"),
      partitionTable: read("boot/partitions_s3_8m.bin"),
      otadata: read("boot/boot_app0.bin"),
      app: read("0.14.3/WLED_0.14.3_ESP32-S3_8MB.bin"),
    }),
    update: "0.14.4/WLED_0.14.4_ESP32-S3_8MB.bin",
  },
];

/** Both implementations of the receiver, for each update. */
const CASES = UPDATES.flatMap((update) => AGENT_KINDS.map((agent) => ({ ...update, agent })));

test.skipIf(isAbsent).for(CASES)(
  `updates an $name from WLED 0.14.3 to 0.14.4 despite a cut in every tenth operation, agent $agent${note}`,
  async ({ board, update, agent }) => {
    const options = { from: board(), to: read(update), seed: 1, every: 10, variants: "one", recoverEvery: 1 } as const;
    const result = await powerCutSweepOnThreads({ ...options, runs: ["update"], agent }, { threads: 2 });
    expect(result.violations).toEqual([]);
    expect(result.operations).toBeGreaterThan(5_000);
    expect(result.points).toBe(Math.floor(result.operations / 10));
    expect(result.ends.confirmed).toBe(result.points);
    expect(result.refetchedMax).toBeLessThanOrEqual(3);
  },
);
