// Flash encryption on: what was erased reads as noise, and writes go by blocks of 16 bytes.

import { buildAppImage, OtaImageState } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { runBootloader } from "../../src/boot/bootloader.ts";
import { EspErr } from "../../src/esp-err/esp-err.ts";
import { esp_ota_set_boot_partition } from "../../src/esp-idf/esp-ota-boot.ts";
import {
  esp_ota_begin,
  esp_ota_end,
  esp_ota_write,
  OTA_WITH_SEQUENTIAL_WRITES,
} from "../../src/esp-idf/esp-ota-update.ts";
import { esp_partition_erase_range, esp_partition_write } from "../../src/esp-idf/esp-partition.ts";
import { board, bootOf, entry, otadataOf, partition, start } from "../board-spec.ts";

const { VALID } = OtaImageState;
const efuse = { flashEncryptionKey: 0x1234_5678 };

// After set_boot(factory), its CRC is wrong: factory boots, or all slots are tried without factory, and otadata is
// not repaired.
test("row 52: reads an erased otadata sector as garbage with flash encryption", () => {
  const hardware = board({ factory: true, efuse, otadata: [entry(1, VALID), undefined] });
  const app = start(hardware);
  expect(esp_ota_set_boot_partition(app, partition(app, "factory"))).toBe(EspErr.ESP_OK);
  expect(hardware.flash.truth(partition(app, "otadata").address, 32)).toEqual(new Uint8Array(32).fill(0xff));
  const outcome = runBootloader(hardware);
  expect(outcome).toMatchObject({ kind: "boots", slot: "factory" });
  expect(outcome.log).toContain("E boot: ota data partition invalid, falling back to factory");

  const slots = board({ efuse, otadata: [entry(2, VALID), undefined] });
  const second = start(slots);
  expect(esp_partition_erase_range(second, partition(second, "otadata"), 0, 0x2000)).toBe(EspErr.ESP_OK);
  const operations = slots.flash.operationCount;
  expect([bootOf(slots), bootOf(slots)]).toEqual([0, 0]);
  expect(slots.flash.operationCount).toBe(operations);
});

test("writes an update in pieces of any length in whole blocks, and boots it", () => {
  const image = buildAppImage({ version: "2.0.0", sizeBytes: 0x3000, seed: 5 });
  const hardware = board({ efuse, otadata: [entry(1, VALID), undefined] });
  const app = start(hardware);
  const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
  for (let offset = 0, step = 1; offset < image.length; offset += step, step = (step * 7 + 3) % 999) {
    expect(esp_ota_write(app, handle, image.subarray(offset, offset + step))).toBe(EspErr.ESP_OK);
  }
  expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_OK);
  expect(esp_ota_set_boot_partition(app, partition(app, "ota_1"))).toBe(EspErr.ESP_OK);
  expect(otadataOf(hardware)).toEqual(["1:valid", "2:new"]);
  expect(bootOf(hardware)).toBe(1);
  expect(hardware.flash.violations).toEqual([]);
  expect(hardware.flash.truth(partition(app, "ota_1").address, image.length)).not.toEqual(image);
});

test("rejects an unaligned write as esp_partition_write does, and records a violation", () => {
  const app = start(board({ efuse, otadata: [entry(1, VALID), undefined] }));
  const slot = partition(app, "ota_1");
  expect(esp_partition_write(app, slot, 8, new Uint8Array(16))).toBe(EspErr.ESP_ERR_INVALID_ARG);
  expect(esp_partition_write(app, slot, 16, new Uint8Array(8))).toBe(EspErr.ESP_ERR_INVALID_SIZE);
  expect(esp_partition_write(app, slot, 8, new Uint8Array(0))).toBe(EspErr.ESP_OK);
  expect(app.flash.violations.map(({ kind }) => kind)).toEqual(["program-unaligned", "program-unaligned"]);
  expect(esp_partition_write(app, partition(app, "nvs"), 1, Uint8Array.of(0))).toBe(EspErr.ESP_OK); // not encrypted
});
