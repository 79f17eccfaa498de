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

test("row 33: begin twice on one slot without end or abort gives 0x1507, also after a begin that failed in its erase", () => {
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

test("row 34: begin with a size beyond the partition gives 0x104 and leaks the handle: then 0x1507 until it is aborted", () => {
  const app = running();
  const begun = esp_ota_begin(app, partition(app, "ota_1"), SLOT_SIZE + 1);
  expect(begun).toEqual({ err: EspErr.ESP_ERR_INVALID_SIZE, handle: 1 });
  expect(esp_ota_begin(app, partition(app, "ota_1"), 0).err).toBe(EspErr.ESP_ERR_OTA_ALREADY_IN_PROGRESS);
  expect(esp_ota_abort(app, 1)).toBe(EspErr.ESP_OK);
});

test("row 35: a first byte other than E9 gives 0x1503 with the first sectors erased already; the handle stays usable, and its end gives 0x102", () => {
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

test("row 36: a first write of 0 bytes is OK, and the magic byte is not checked yet", () => {
  const app = running();
  const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
  expect(esp_ota_write(app, handle, new Uint8Array(0))).toBe(EspErr.ESP_OK);
  expect(app.flash.operationCount).toBe(0);
  expect(esp_ota_write(app, handle, Uint8Array.of(0x00))).toBe(0x1503);
});

test("row 37: an image longer than its slot gives 0x104 at the chunk that crosses the end, and earlier bytes stay", () => {
  const app = running();
  const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
  const chunk = image.slice(0, 0x1000);
  for (let offset = 0; offset < SLOT_SIZE; offset += 0x1000) expect(esp_ota_write(app, handle, chunk)).toBe(0);
  expect(esp_ota_write(app, handle, chunk)).toBe(EspErr.ESP_ERR_INVALID_SIZE);
  expect(app.flash.truth(partition(app, "ota_1").address, 0x1000)).toEqual(chunk);
});

test("row 38: bulk begin with a size too small: later sectors are not erased, what is written is ANDed with what was there, and the end gives 0x1503", () => {
  const app = running({ images: new Map([[1, { sizeBytes: 0x3000, seed: 99 }]]) });
  const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), 0x1000);
  expect(esp_ota_write(app, handle, image)).toBe(EspErr.ESP_OK);
  expect(app.flash.violations[0]?.kind).toBe("program-without-erase");
  expect(esp_ota_end(app, handle)).toBe(0x1503);
});

test("row 39: trailing junk after a valid image: the end is OK", () => {
  const app = running();
  const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
  esp_ota_write(app, handle, image);
  esp_ota_write(app, handle, Uint8Array.of(1, 2, 3));
  expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_OK);
});

test("row 55: resume at an offset with part of the image changed: no check until the end, then the hash mismatch gives 0x1503", () => {
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

test("row 56: esp_https_ota with an image of less than 1024 bytes gives −1 before any write", () => {
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

test("row 61: end or abort on a handle already ended or aborted gives 0x105; end frees the handle even when it fails", () => {
  const app = running();
  const { handle = 0 } = esp_ota_begin(app, partition(app, "ota_1"), OTA_WITH_SEQUENTIAL_WRITES);
  expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_ERR_INVALID_ARG);
  expect(esp_ota_end(app, handle)).toBe(EspErr.ESP_ERR_NOT_FOUND);
  expect(esp_ota_abort(app, handle)).toBe(EspErr.ESP_ERR_NOT_FOUND);
});
