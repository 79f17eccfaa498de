import { buildAppImage, buildPartitionTable, OtaImageState, PartitionType } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { type BoardSpec, board, bootOf, entry, otadataOf, partition, start } from "../../test/board-spec.ts";
import { EspAbort } from "../esp-err/esp-abort.ts";
import { EspErr } from "../esp-err/esp-err.ts";
import { esp_ota_set_boot_partition_skip_validate } from "./esp-ota-boot.ts";
import { esp_ota_resume, esp_ota_set_final_partition, esp_ota_write_with_offset } from "./esp-ota-staging.ts";
import {
  esp_ota_begin,
  esp_ota_end,
  esp_ota_write,
  OTA_SIZE_UNKNOWN,
  OTA_WITH_SEQUENTIAL_WRITES,
} from "./esp-ota-update.ts";
import { esp_partition_copy, esp_partition_read } from "./esp-partition.ts";

const { NEW, VALID, ABORTED } = OtaImageState;

const image = buildAppImage({ version: "2.0.0", sizeBytes: 0x3000 });
const running = (spec: BoardSpec = {}) => start(board({ otadata: [entry(1, VALID), undefined], ...spec }));

/** A table with a data partition as large as a slot behind the slots, and a partition-table partition behind that. */
const staged: BoardSpec["table"] = (entries) => ({
  entries: [
    ...entries,
    { label: "staging", type: PartitionType.DATA, subtype: 0x40, offset: 0x60000, size: 0x10000, flags: 0 },
    { label: "table", type: PartitionType.PARTITION_TABLE, subtype: 1, offset: 0x70000, size: 0x1000, flags: 0 },
  ],
});

test("esp_ota_resume checks in ESP-IDF's order, erases nothing and leaves otadata alone", () => {
  const app = running({ otadata: [entry(1, VALID), entry(2, ABORTED)], factory: true });
  const slot = partition(app, "ota_1");
  expect(esp_ota_resume(app, undefined, 0, 0).err).toBe(EspErr.ESP_ERR_INVALID_ARG);
  expect(esp_ota_resume(app, slot, 0, slot.size + 1).err).toBe(EspErr.ESP_ERR_INVALID_ARG);
  expect(esp_ota_resume(app, { ...slot, size: slot.size - 1 }, 0, 0).err).toBe(EspErr.ESP_ERR_NOT_FOUND);
  expect(esp_ota_resume(app, partition(app, "factory"), 0, 0).err).toBe(EspErr.ESP_ERR_INVALID_ARG);
  expect(esp_ota_resume(app, partition(app, "ota_0"), 0, 0).err).toBe(0x1501);
  expect(esp_ota_resume(app, slot, 0, 0x1000)).toEqual({ err: EspErr.ESP_OK, handle: 1 });
  expect(esp_ota_resume(app, slot, 0, 0).err).toBe(0x1507);
  expect(app.flash.operationCount).toBe(0);

  const pending = start(board({ otadata: [entry(1, NEW), undefined] }));
  expect(esp_ota_resume(pending, partition(pending, "ota_1"), 0, 0).err).toBe(0x1506);
});

test("resumes without checking the magic byte, and erases sectors only if told to", () => {
  const app = running();
  const slot = partition(app, "ota_1");
  const { handle = 0 } = esp_ota_resume(app, slot, 0, 0x10);
  expect(esp_ota_write(app, handle, Uint8Array.of(0xff))).toBe(EspErr.ESP_OK);
  expect(app.flash.counters.sectorErases).toBe(0);
  expect(app.flash.violationCount).toBe(1); // an image was there
});

test("esp_ota_write_with_offset writes at any offset, counts bytes, and requires an erased partition", () => {
  const app = running();
  const slot = partition(app, "ota_1");
  const { handle = 0 } = esp_ota_begin(app, slot, OTA_SIZE_UNKNOWN);
  for (const offset of [0x2000, 0, 0x1000]) {
    expect(esp_ota_write_with_offset(app, handle, image.subarray(offset, offset + 0x1000), offset)).toBe(0);
  }
  expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_OK);
  expect(esp_ota_write_with_offset(app, handle, image, 0)).toBe(EspErr.ESP_ERR_INVALID_ARG);
  const { handle: sequential = 0 } = esp_ota_begin(app, slot, OTA_WITH_SEQUENTIAL_WRITES);
  expect(() => esp_ota_write_with_offset(app, sequential, image, 0)).toThrow(EspAbort);
});

test("verifies an image staged in a data partition, and copies it to its slot at the end", () => {
  const hardware = board({ otadata: [entry(1, VALID), undefined], table: staged, empty: [1] });
  const app = start(hardware);
  const [staging, slot] = [partition(app, "staging"), partition(app, "ota_1")];
  const { handle = 0 } = esp_ota_begin(app, staging, OTA_WITH_SEQUENTIAL_WRITES);
  expect(esp_ota_set_final_partition(app, handle, undefined, true)).toBe(EspErr.ESP_ERR_INVALID_ARG);
  expect(esp_ota_set_final_partition(app, 99, slot, true)).toBe(EspErr.ESP_ERR_NOT_FOUND);
  expect(esp_ota_set_final_partition(app, handle, { ...slot, size: 1 }, true)).toBe(EspErr.ESP_ERR_NOT_FOUND);
  expect(esp_ota_set_final_partition(app, handle, slot, true)).toBe(EspErr.ESP_OK);
  expect(esp_ota_begin(app, slot, 0).err).toBe(0x1507); // busy as the final partition
  expect(esp_ota_write(app, handle, Uint8Array.of(0))).toBe(0x1503); // the final type decides
  expect(esp_ota_write(app, handle, image)).toBe(EspErr.ESP_OK);
  expect(esp_ota_set_final_partition(app, handle, slot, true)).toBe(EspErr.ESP_ERR_INVALID_STATE);
  expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_OK);
  expect(esp_partition_read(app, slot, 0, image.length).data).toEqual(image);

  const { handle: corrupt = 0 } = esp_ota_begin(app, staging, OTA_WITH_SEQUENTIAL_WRITES);
  esp_ota_set_final_partition(app, corrupt, slot, true);
  esp_ota_write(app, corrupt, image.with(300, image[300]! ^ 1));
  expect(esp_ota_end(app, corrupt)).toBe(0x1503);
  expect(esp_partition_read(app, slot, 0, image.length).data).toEqual(image);
});

test("checks the magic number of a partition table at the start, and its MD5 at the end", () => {
  const app = running({ table: staged });
  const target = partition(app, "table");
  const table = buildPartitionTable({ entries: [] });
  const nvs = { label: "nvs", type: PartitionType.DATA, subtype: 2, offset: 0x9000, size: 0x4000, flags: 0 };
  const good = buildPartitionTable({ entries: [nvs] });
  const write = (bytes: Uint8Array) => {
    const { handle = 0 } = esp_ota_begin(app, target, OTA_SIZE_UNKNOWN);
    const written = esp_ota_write(app, handle, bytes);
    return [written, esp_ota_end(app, handle)];
  };
  expect(write(good)).toEqual([EspErr.ESP_OK, EspErr.ESP_OK]);
  expect(write(good.with(5, 0x91))).toEqual([EspErr.ESP_OK, 0x1503]);
  expect(write(table)[0]).toBe(0x1503); // begins with its MD5
});

test("esp_partition_copy checks sizes, then erases and copies whole sectors", () => {
  const app = running({ table: staged });
  const [slot, staging, table] = ["ota_1", "staging", "table"].map((label) => partition(app, label)) as [
    never,
    never,
    never,
  ];
  expect(esp_partition_copy(app, slot, slot)).toBe(EspErr.ESP_ERR_INVALID_ARG);
  expect(esp_partition_copy(app, table, slot)).toBe(EspErr.ESP_ERR_INVALID_SIZE);
  expect(esp_partition_copy(app, staging, slot, 5000)).toBe(EspErr.ESP_OK);
  expect(app.flash.counters.sectorErases).toBe(2);
  const copied = esp_partition_read(app, staging, 0, 5001).data;
  expect(copied).toEqual(Uint8Array.of(...esp_partition_read(app, slot, 0, 5000).data, 0xff));
});

test("esp_ota_set_boot_partition_skip_validate selects a partition with any content", () => {
  const hardware = board({ otadata: [entry(1, VALID), undefined], corrupt: [1] });
  const app = start(hardware);
  expect(esp_ota_set_boot_partition_skip_validate(app, undefined)).toBe(EspErr.ESP_ERR_INVALID_ARG);
  expect(esp_ota_set_boot_partition_skip_validate(app, partition(app, "nvs"))).toBe(EspErr.ESP_ERR_INVALID_ARG);
  expect(esp_ota_set_boot_partition_skip_validate(app, partition(app, "ota_1"))).toBe(EspErr.ESP_OK);
  expect(otadataOf(hardware)).toEqual(["1:valid", "2:new"]);
  expect(bootOf(hardware)).toBe(0);
});

test("returns ESP_ERR_FLASH_OP_FAIL for a failing flash, and detects lost bits at the end", () => {
  const app = running();
  const slot = partition(app, "ota_1");
  const sectorIndex = slot.address / 4096 + 1;
  app.flash.setFaults([{ type: "program-fails", sectorIndex }]);
  const { handle = 0 } = esp_ota_begin(app, slot, OTA_WITH_SEQUENTIAL_WRITES);
  expect(esp_ota_write(app, handle, image)).toBe(EspErr.ESP_ERR_FLASH_OP_FAIL);
  app.flash.setFaults([{ type: "program-ignored", sectorIndex }]);
  const other = running();
  other.flash.setFaults([{ type: "program-ignored", sectorIndex }]);
  const { handle: silent = 0 } = esp_ota_begin(other, partition(other, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
  expect(esp_ota_write(other, silent, image)).toBe(EspErr.ESP_OK);
  expect(esp_ota_end(other, silent)).toBe(0x1503);
});
