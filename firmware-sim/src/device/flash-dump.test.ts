import { isOtaError } from "@tinybms/ota-core";
import { buildAppImage, buildPartitionTable, type ChipName, parsePartitionCsv } from "@tinybms/ota-core/esp";
import fc from "fast-check";
import { expect, test } from "vitest";
import { contentsOfFlash } from "./flash-dump.ts";

const MEBIBYTE = 1 << 20;
const TABLE = buildPartitionTable(parsePartitionCsv("ota_0,app,ota_0,0x10000,256K\nota_1,app,ota_1,,256K\n"));

function flashWith(...parts: readonly (readonly [offset: number, bytes: Uint8Array])[]): Uint8Array {
  const flash = new Uint8Array(MEBIBYTE).fill(0xff);
  for (const [offset, bytes] of [[0x8000, TABLE] as const, ...parts]) flash.set(bytes, offset);
  return flash;
}

test.for<[ChipName, Uint8Array]>([
  ["esp32c6", flashWith([0x10000, buildAppImage({ chip: "esp32c6" })], [0x50000, buildAppImage({ chip: "esp32s3" })])],
  ["esp32s3", flashWith([0x50000, buildAppImage({ chip: "esp32s3" })])],
  ["esp32s3", flashWith([0x10000, Uint8Array.of(0xe9)], [0x50000, buildAppImage({ chip: "esp32s3" })])], // a slot torn
  ["esp32", flashWith()],
])("takes the chip from the first app, or assumes ESP32: %s", ([chip, flash]) => {
  expect(contentsOfFlash("dump.bin", flash, undefined)).toEqual({
    ...{ chip, flashDump: flash, flashSizeBytes: MEBIBYTE, tableOffset: 0x8000 },
  });
  expect(contentsOfFlash("dump.bin", flash, "esp32h2").chip).toBe("esp32h2");
});

test.for([0, 5000, MEBIBYTE / 2, MEBIBYTE - 1, 3 * MEBIBYTE])("%i bytes are no flash", (size) => {
  expect(() => contentsOfFlash("dump.bin", new Uint8Array(size), undefined)).toThrow(
    expect.objectContaining({ code: "simulation/flash-invalid", details: { file: "dump.bin", size } }),
  );
});

test("rejects a flash without a partition table, with the expected offset", () => {
  expect(() => contentsOfFlash("dump.bin", new Uint8Array(MEBIBYTE).fill(0xff), undefined)).toThrow(
    expect.objectContaining({
      code: "image/partition-table-invalid",
      message: expect.stringContaining("dump.bin has no partition table at 0x8000: no partition table begins here"),
      details: { offset: 0x8000 },
      hint: "use tinybms-ota inspect dump.bin to see what the file is",
    }),
  );
});

test("returns contents or throws an OtaError for any table and headers", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 64 });
  const damage = fc.record({ offset: fc.constantFrom(0x8000, 0x8020, 0x8040, 0x10000, 0x50000), bytes });
  fc.assert(
    fc.property(fc.array(damage, { maxLength: 3 }), (damages) => {
      const flash = flashWith(...damages.map(({ offset, bytes }) => [offset, bytes] as const));
      try {
        expect(contentsOfFlash("dump.bin", flash, undefined).flashDump).toBe(flash);
      } catch (error) {
        if (!isOtaError(error)) throw error;
      }
    }),
  );
});
