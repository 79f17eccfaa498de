/** Files from the field: each is read as Espressif's own tools and ROMs read it. */
import { readFileSync } from "node:fs";
import { decodeText } from "@tinybms/ota-core";
import { buildPartitionTable, inspectImage, parsePartitionCsv } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";

const FOLDER = new URL("fixtures/formats/", import.meta.url);
const read = (name: string) => new Uint8Array(readFileSync(new URL(name, FOLDER)));
const inspect = (name: string) => inspectImage(read(name));

const FLASH = { type: "flash", valid: true, problems: [], chip: "esp32", bootloaderOffset: 0x1000 };

test("F1: a merged image that begins with its bootloader is read where the ROM has it", () => {
  expect(inspect("F1-merged-esp32-begins-at-0x1000.bin")).toMatchObject({
    ...FLASH,
    startsAt: 0x1000,
    partitionTableOffset: 0x8000,
    boot: "ota_0",
    notes: expect.arrayContaining([
      expect.objectContaining({ message: expect.stringContaining("this file goes to 0x1000"), path: "/startsAt" }),
    ]),
  });
});

test("F1: a merged image from 0x0 is read as it is", () => {
  expect(inspect("F1-ok-merged-esp32-from-0.bin")).toMatchObject({
    ...FLASH,
    startsAt: 0,
    partitionTableOffset: 0x8000,
    notes: [],
  });
});

test("F2: the digest of Secure Boot v1 at 0x0 does not hide the bootloader", () => {
  expect(inspect("F2-esp32-secure-boot-v1-digest-at-0.bin")).toMatchObject({ ...FLASH, notes: [] });
});

test("F2: what is left of an image at 0x0, where the ROM never looks, is a note", () => {
  expect(inspect("F2-esp32-stale-image-at-0.bin")).toMatchObject({
    ...FLASH,
    notes: [{ message: "another bootloader for the esp32 is at 0x0; the one at 0x1000 counts", offset: 0 }],
  });
});

test.for([
  ["F3-bootloader-of-35936-bytes.bin", 35_936],
  ["F3-ok-bootloader-of-0x7000-bytes.bin", 28_512],
] as const)("F3: %s is one whole bootloader, however long", ([name, size]) => {
  expect(inspect(name)).toMatchObject({ type: "bootloader", valid: true, chip: "esp32", size });
});

test.for([
  ["C1-idf-doc-bootloader-na", { bootloaderOffset: 0x1000 }],
  ["C1-partition-table-na", {}],
  ["C2-ota-bootloader-with-other-size", { bootloaderOffset: 0x1000 }],
  ["C2-ota-table-without-size", {}],
  ["C3-first-row-numeric-app", {}],
] as const)("%s.csv gives the bytes of gen_esp32part.py 1.5", ([name, options]) => {
  const csv = read(`${name}.csv`);
  expect(buildPartitionTable(parsePartitionCsv(decodeText(csv) ?? "", options))).toEqual(read(`${name}.bin`));
  expect(inspectImage(csv, options)).toMatchObject({ type: "partition-table", format: "csv", valid: true });
});
