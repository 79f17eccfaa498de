import { sha256, toHex } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { board, partition, start } from "../../test/board-spec.ts";
import { esp_partition_read } from "../esp-idf/esp-partition.ts";
import { carryOutFlashAction } from "./flash-operation.ts";

const TAIL = Uint8Array.from({ length: 21 }, (_, index) => index);

test("on encrypted flash the end of an image is padded to a whole block", () => {
  const app = start(board({ efuse: { flashEncryptionKey: 0x1234_5678 } }));
  const target = partition(app, "ota_1");
  expect(carryOutFlashAction(app, target, { type: "erase-sector", offset: 0 }).ok).toBe(true);
  expect(carryOutFlashAction(app, target, { type: "program", offset: 0, bytes: TAIL }).ok).toBe(true);
  expect(esp_partition_read(app, target, 0, TAIL.length).data).toEqual(TAIL);
  expect(app.flash.violationCount).toBe(0);
});

test("without encryption nothing but the image is written", () => {
  const app = start(board());
  const target = partition(app, "ota_1");
  carryOutFlashAction(app, target, { type: "erase-sector", offset: 0 });
  const before = app.flash.counters.bytesProgrammed;
  carryOutFlashAction(app, target, { type: "program", offset: 0, bytes: TAIL });
  expect(app.flash.counters.bytesProgrammed - before).toBe(TAIL.length);
});

test("a slot is hashed as it is stored, whatever stands in it", () => {
  const app = start(board());
  const target = partition(app, "ota_1");
  expect(carryOutFlashAction(app, target, { type: "verify-image", length: 10 ** 9 })).toMatchObject({ ok: false });
  carryOutFlashAction(app, target, { type: "erase-sector", offset: 0 });
  carryOutFlashAction(app, target, { type: "program", offset: 0, bytes: TAIL });
  expect(carryOutFlashAction(app, target, { type: "verify-image", length: TAIL.length })).toEqual({
    ok: true,
    result: { operation: "verify-image", storedSha256: toHex(sha256(TAIL)), image: { espErr: expect.any(Number) } },
  });
});

test("one pass over an image gives its hash as stored and what it says of itself", () => {
  const app = start(board());
  const target = partition(app, "ota_1");
  const image = buildAppImage({ version: "2.0.0", projectName: "gateway", sizeBytes: 9_000 });
  const longer = new Uint8Array(image.length + 16).fill(0xff);
  longer.set(image);
  for (let offset = 0; offset < longer.length; offset += 4096) {
    carryOutFlashAction(app, target, { type: "erase-sector", offset });
    carryOutFlashAction(app, target, { type: "program", offset, bytes: longer.subarray(offset, offset + 4096) });
  }
  expect(carryOutFlashAction(app, target, { type: "verify-image", length: longer.length })).toEqual({
    ok: true,
    result: {
      operation: "verify-image",
      storedSha256: toHex(sha256(longer)),
      image: { sha256: toHex(sha256(image)), chipId: app.chip.id, secureVersion: 0, projectName: "gateway" },
    },
  });
});
