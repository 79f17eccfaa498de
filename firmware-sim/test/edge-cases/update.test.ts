// Writing an update: esp_ota_begin to esp_ota_end, esp_ota_resume, esp_https_ota.

import { buildAppImage, OtaImageState } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { EspErr } from "../../src/esp-err/esp-err.ts";
import { esp_https_ota } from "../../src/esp-idf/esp-https-ota.ts";
import { esp_ota_resume } from "../../src/esp-idf/esp-ota-staging.ts";
import {
  esp_ota_abort,
  esp_ota_begin,
  esp_ota_end,
  esp_ota_write,
  OTA_SIZE_UNKNOWN,
  OTA_WITH_SEQUENTIAL_WRITES,
} from "../../src/esp-idf/esp-ota-update.ts";
import { type BoardSpec, board, bootOf, entry, otadataOf, partition, SLOT_SIZE, start } from "../board-spec.ts";

const { VALID } = OtaImageState;

const image = buildAppImage({ version: "2.0.0", sizeBytes: 0x3000 });
const running = (spec: BoardSpec = {}) => start(board({ otadata: [entry(1, VALID), undefined], ...spec }));

// Also after a begin that failed in its erase.
test("row 33: begin returns 0x1507 for a slot with an open handle", () => {
  const app = running();
  const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_SIZE_UNKNOWN);
  expect(handle).toBe(1);
  expect(esp_ota_begin(app, partition(app, "ota_1"), OTA_SIZE_UNKNOWN)).toEqual({ err: 0x1507 });
  expect(esp_ota_abort(app, handle)).toBe(EspErr.ESP_OK);
  expect(esp_ota_begin(app, partition(app, "ota_1"), OTA_SIZE_UNKNOWN)).toEqual({ err: EspErr.ESP_OK, handle: 2 });

  const worn = running();
  worn.flash.setFaults([{ type: "erase-fails", sectorIndex: partition(worn, "ota_1").address / 4096 }]);
  expect(esp_ota_begin(worn, partition(worn, "ota_1"), OTA_SIZE_UNKNOWN)).toEqual({ err: 0x6001, handle: 1 });
  expect(esp_ota_begin(worn, partition(worn, "ota_1"), OTA_SIZE_UNKNOWN)).toEqual({ err: 0x1507 });
});

// Later calls return 0x1507 until it is aborted.
test("row 34: begin returns 0x104 for a size beyond the partition, and leaks the handle", () => {
  const app = running();
  const begun = esp_ota_begin(app, partition(app, "ota_1"), SLOT_SIZE + 1);
  expect(begun).toEqual({ err: EspErr.ESP_ERR_INVALID_SIZE, handle: 1 });
  expect(esp_ota_begin(app, partition(app, "ota_1"), 0).err).toBe(EspErr.ESP_ERR_OTA_ALREADY_IN_PROGRESS);
  expect(esp_ota_abort(app, 1)).toBe(EspErr.ESP_OK);
});

// The handle stays usable, and its end returns 0x102.
test("row 35: returns 0x1503 for a first byte other than E9, after erasing the first sectors", () => {
  const app = running();
  const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
  expect(esp_ota_write(app, handle, Uint8Array.of(0x00, 0x01))).toBe(0x1503);
  expect(app.flash.truth(partition(app, "ota_1").address, 4)).toEqual(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
  expect(esp_ota_write(app, handle, image)).toBe(EspErr.ESP_OK);

  const other = running();
  const { handle: unused = 0 } = esp_ota_begin(other, partition(other, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
  esp_ota_write(other, unused, Uint8Array.of(0x00));
  expect(esp_ota_end(other, unused)).toBe(EspErr.ESP_ERR_INVALID_ARG);
});

test("row 36: accepts a first write of 0 bytes without checking the magic byte", () => {
  const app = running();
  const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
  expect(esp_ota_write(app, handle, new Uint8Array(0))).toBe(EspErr.ESP_OK);
  expect(app.flash.operationCount).toBe(0);
  expect(esp_ota_write(app, handle, Uint8Array.of(0x00))).toBe(0x1503);
});

// Earlier bytes stay.
test("row 37: returns 0x104 at the chunk that crosses the end of the slot", () => {
  const app = running();
  const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
  const chunk = image.slice(0, 0x1000);
  for (let offset = 0; offset < SLOT_SIZE; offset += 0x1000) expect(esp_ota_write(app, handle, chunk)).toBe(0);
  expect(esp_ota_write(app, handle, chunk)).toBe(EspErr.ESP_ERR_INVALID_SIZE);
  expect(app.flash.truth(partition(app, "ota_1").address, 0x1000)).toEqual(chunk);
});

// Bytes written there are ANDed with the old ones, and the end returns 0x1503.
test("row 38: does not erase sectors beyond the size given to begin", () => {
  const app = running({ images: new Map([[1, { sizeBytes: 0x3000, seed: 99 }]]) });
  const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), 0x1000);
  expect(esp_ota_write(app, handle, image)).toBe(EspErr.ESP_OK);
  expect(app.flash.violations[0]?.kind).toBe("program-without-erase");
  expect(esp_ota_end(app, handle)).toBe(0x1503);
});

test("row 39: accepts trailing bytes after a valid image", () => {
  const app = running();
  const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
  esp_ota_write(app, handle, image);
  esp_ota_write(app, handle, Uint8Array.of(1, 2, 3));
  expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_OK);
});

// Resumed at an offset with part of the image changed, the hash mismatch returns 0x1503.
test("row 55: checks a resumed image only at the end", () => {
  const hardware = board({ otadata: [entry(1, VALID), entry(0, OtaImageState.ABORTED)] });
  const before = start(hardware);
  const { handle = 0 } = esp_ota_begin(before, partition(before, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
  esp_ota_write(before, handle, image.subarray(0, 0x2000));

  const finish = (rest: Uint8Array) => {
    const copy = { ...hardware, flash: hardware.flash.snapshot() };
    const app = start(copy); // handles don't survive a reset
    const resumed = esp_ota_resume(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES, 0x2000);
    expect(resumed).toEqual({ err: EspErr.ESP_OK, handle: 1 });
    expect(esp_ota_write(app, 1, rest)).toBe(EspErr.ESP_OK);
    return esp_ota_end(app, 1);
  };
  expect(finish(image.subarray(0x2000))).toBe(EspErr.ESP_OK);
  expect(finish(buildAppImage({ version: "2.0.1", sizeBytes: 0x3000, seed: 7 }).subarray(0x2000))).toBe(0x1503);
});

test("row 56: esp_https_ota returns −1 before any write for an image of less than 1024 bytes", () => {
  const short = buildAppImage({ version: "2.0.0" });
  expect(short.length).toBeLessThan(1024);
  const app = running();
  expect(esp_https_ota(app, { status: 200, body: short })).toBe(EspErr.ESP_FAIL);
  expect(app.flash.operationCount).toBe(0);

  const hardware = board({ otadata: [entry(1, VALID), undefined] });
  expect(esp_https_ota(start(hardware), { status: 200, body: image })).toBe(EspErr.ESP_OK);
  expect(otadataOf(hardware)).toEqual(["1:valid", "2:new"]);
  expect(bootOf(hardware)).toBe(1);
});

test("row 61: end and abort return 0x105 for a closed handle, and end closes it even if it fails", () => {
  const app = running();
  const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
  expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_ERR_INVALID_ARG);
  expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_ERR_NOT_FOUND);
  expect(esp_ota_abort(app, handle)).toBe(EspErr.ESP_ERR_NOT_FOUND);
});
