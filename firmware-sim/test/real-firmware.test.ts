import { existsSync, readFileSync } from "node:fs";
import { equalBytes } from "@tinybms/ota-core";
import { type ChipName, chipByName } from "@tinybms/ota-core/esp";
import { describe, expect, test } from "vitest";
import type { Hardware } from "../src/boot/boot-options.ts";
import { runBootloader } from "../src/boot/bootloader.ts";
import { Efuse } from "../src/boot/efuse.ts";
import { verifyImage } from "../src/boot/verify-image.ts";
import { EspErr } from "../src/esp-err/esp-err.ts";
import { createAppContext } from "../src/esp-idf/app-context.ts";
import { esp_ota_set_boot_partition } from "../src/esp-idf/esp-ota-boot.ts";
import {
  esp_ota_get_next_update_partition,
  esp_ota_get_partition_description,
  esp_ota_get_running_partition,
} from "../src/esp-idf/esp-ota-query.ts";
import { esp_ota_mark_app_valid_cancel_rollback } from "../src/esp-idf/esp-ota-rollback.ts";
import {
  esp_ota_begin,
  esp_ota_end,
  esp_ota_write,
  OTA_WITH_SEQUENTIAL_WRITES,
} from "../src/esp-idf/esp-ota-update.ts";
import { NorFlash } from "../src/flash/nor-flash.ts";
import { idfRelease } from "../src/idf-release/idf-release.ts";

const FIRMWARE = process.env.TINYBMS_FIRMWARE
  ? new URL(`file://${process.env.TINYBMS_FIRMWARE}/`)
  : new URL("../../../shared/firmware/", import.meta.url);
const isAbsent = !existsSync(FIRMWARE);
const note = isAbsent ? " (skipped: no real firmware here)" : "";

const MIB = 1024 * 1024;

interface RealBoard {
  readonly chip: ChipName;
  readonly flashSize: number;
  /** What its factory programmer wrote, by offset. */
  readonly files: readonly (readonly [offset: number, file: string])[];
  readonly app: string;
  readonly update: string;
  /** Offsets of its two slots. */
  readonly slots: readonly [number, number];
}

const BOARDS: readonly RealBoard[] = [
  {
    chip: "esp32",
    flashSize: 4 * MIB,
    files: [[0, "boot/esp32_bootloader_v4.bin"]],
    app: "0.14.3/WLED_0.14.3_ESP32.bin",
    update: "0.14.4/WLED_0.14.4_ESP32.bin",
    slots: [0x10000, 0x190000],
  },
  {
    chip: "esp32c3",
    flashSize: 4 * MIB,
    files: [[0, "boot/esp32-c3_bootloader_v2.bin"]],
    app: "0.14.3/WLED_0.14.3_ESP32-C3.bin",
    update: "0.14.4/WLED_0.14.4_ESP32-C3.bin",
    slots: [0x10000, 0x190000],
  },
  {
    chip: "esp32s3",
    flashSize: 8 * MIB,
    files: [
      [0, "boot/bootloader_s3.bin"],
      [0x8000, "boot/partitions_s3_8m.bin"],
      [0xe000, "boot/boot_app0.bin"],
    ],
    app: "0.14.3/WLED_0.14.3_ESP32-S3_8MB.bin",
    update: "0.14.4/WLED_0.14.4_ESP32-S3_8MB.bin",
    slots: [0x10000, 0x210000],
  },
];

const read = (file: string) => new Uint8Array(readFileSync(new URL(file, FIRMWARE)));

function flashed(real: RealBoard): Hardware {
  const flash = new NorFlash(real.flashSize);
  for (const [offset, file] of real.files) flash.load(offset, read(file));
  flash.load(real.slots[0], read(real.app));
  const chip = chipByName(real.chip)!;
  return { flash, chip, efuse: new Efuse(chip) };
}

describe.skipIf(isAbsent)(`a board as it leaves the factory${note}`, () => {
  test.for(BOARDS)("$chip boots its app from ota_0", (real) => {
    const outcome = runBootloader(flashed(real));
    expect(outcome.log.at(-2)).toBe("I boot: Loaded app from partition at offset 0x10000");
    if (outcome.kind !== "boots") throw new Error(outcome.reason);
    expect(outcome.slot).toBe(0);
    expect(outcome.image.imageSizeBytes).toBeLessThanOrEqual(read(real.app).length);
    expect(outcome.image.descriptor?.idfVersion).toMatch(/^v[34]\./);
  });

  test("prints the boot log that an esp32 shows on its console", () => {
    const { log } = runBootloader(flashed(BOARDS[0]!));
    expect(log.slice(0, 12).join("\n")).toMatchInlineSnapshot(`
      "I boot: chip revision: v3.0
      I boot.esp32: SPI Flash Size : 4MB
      I boot: Enabling RNG early entropy source...
      I boot: Partition Table:
      I boot: ## Label            Usage          Type ST Offset   Length
      I boot:  0 nvs              WiFi data        01 02 00009000 00005000
      I boot:  1 otadata          OTA data         01 00 0000e000 00002000
      I boot:  2 app0             OTA app          00 10 00010000 00180000
      I boot:  3 app1             OTA app          00 11 00190000 00180000
      I boot:  4 spiffs           Unknown data     01 82 00310000 000f0000
      I boot: End of partition table
      I esp_image: segment 0: paddr=00010020 vaddr=3f400020 size=40b18h (264984) map"
    `);
  });

  test.for(BOARDS)("$chip takes an update into the other slot, confirms it, and starts it again", (real) => {
    const hardware = flashed(real);
    const app = start(hardware);
    expect(esp_ota_get_running_partition(app).address).toBe(real.slots[0]);
    const slot = esp_ota_get_next_update_partition(app);
    expect(slot?.address).toBe(real.slots[1]);
    const update = read(real.update);
    const { handle = 0 } = esp_ota_begin(app, slot, OTA_WITH_SEQUENTIAL_WRITES);
    for (let offset = 0; offset < update.length; offset += 4096) {
      expect(esp_ota_write(app, handle, update.subarray(offset, offset + 4096))).toBe(EspErr.ESP_OK);
    }
    expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_OK);
    expect(equalBytes(hardware.flash.truth(real.slots[1], update.length), update)).toBe(true);
    expect(esp_ota_get_partition_description(app, slot).err).toBe(EspErr.ESP_OK);
    expect(esp_ota_set_boot_partition(app, slot)).toBe(EspErr.ESP_OK);

    const updated = start(hardware);
    expect(updated.running.offset).toBe(real.slots[1]);
    expect(esp_ota_mark_app_valid_cancel_rollback(updated)).toBe(EspErr.ESP_OK);
    expect(start(hardware).running.offset).toBe(real.slots[1]);
    expect(hardware.flash.violations).toEqual([]);
  });

  test.for(BOARDS)("$chip refuses each of the others' apps by its chip id", (real) => {
    for (const other of BOARDS.filter(({ chip }) => chip !== real.chip)) {
      const { flash, chip, efuse } = flashed(real);
      flash.load(real.slots[0], read(other.app));
      const range = { offset: real.slots[0], sizeBytes: 0x180000 };
      expect(verifyImage(flash, range, chip, efuse, { environment: "app", behaviors })).toMatchObject({
        err: -1,
        step: 5,
      });
    }
  });

  test("does not boot a real app with a single flipped bit anywhere", () => {
    const real = BOARDS[0]!;
    const { flash, chip, efuse } = flashed(real);
    const range = { offset: real.slots[0], sizeBytes: 0x180000 };
    const image = read(real.app);
    for (let offset = 24; offset < image.length; offset += 50_021) {
      const copy = flash.snapshot();
      copy.load(real.slots[0] + offset, Uint8Array.of(image[offset]! ^ (1 << (offset % 8))));
      expect(verifyImage(copy, range, chip, efuse, { environment: "app", behaviors }), `at ${offset}`).toMatchObject({
        kind: "invalid",
      });
    }
  });
});

const IDF = idfRelease("6.2-dev");
const { behaviors } = IDF;

function start(hardware: Hardware) {
  const outcome = runBootloader(hardware);
  if (outcome.kind !== "boots") throw new Error(outcome.log.join("\n"));
  return createAppContext(hardware, outcome, { idf: IDF });
}
