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

test("reads as esp_partition_read does, within a sector, across sectors and beyond the end", () => {
  const app = start(board());
  const target = partition(app, "ota_1");
  app.flash.program(target.address, TAIL);
  app.flash.program(target.address + 4_090, TAIL);
  const places = [0, 4_096, 8_192, target.size - 4_096, target.size - 10, target.size + 1].flatMap((offset) =>
    [0, 1, 21, 4_096, 4_097].map((length) => [offset, length] as const),
  );
  for (const [offset, length] of [...places, [7, 9], [4_090, 21]] as const) {
    const reads = app.flash.counters.reads;
    const { err, data } = esp_partition_read(app, target, offset, length);
    const cost = app.flash.counters.reads - reads;
    const answer = carryOutFlashAction(app, target, { type: "read-flash", offset, length });
    expect(app.flash.counters.reads - reads).toBe(2 * cost);
    expect(answer).toEqual(
      err === 0 ? { ok: true, result: { operation: "read-flash", bytes: data } } : { ok: false, espErr: err },
    );
  }
});
