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

test("a slot is hashed as it reads", () => {
  const app = start(board());
  const target = partition(app, "ota_1");
  expect(carryOutFlashAction(app, target, { type: "hash-flash", length: 10 ** 9 })).toMatchObject({ ok: false });
  expect(carryOutFlashAction(app, target, { type: "hash-flash", length: 0x10000 })).toMatchObject({
    ok: true,
    result: { operation: "hash-flash", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
});
