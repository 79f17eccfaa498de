import fc from "fast-check";
import { expect, test } from "vitest";
import { buildBootloader, buildFlash, tableOf } from "../../test/build-flash-dump.ts";
import { concatBytes, utf8 } from "../bytes.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { SINGLEAPP_PARTITION_CSV, TWO_OTA_LARGE_PARTITION_CSV } from "../image/built-in-partition-tables.ts";
import type { ChipName } from "../image/chips.ts";
import { buildOtadataEntry, OtaImageState, otadataEntry } from "../image/otadata.ts";
import { buildNvsEntry, buildNvsVariableData, NvsType } from "../nvs/nvs-entry.ts";
import { nvsKeyFromText } from "../nvs/nvs-key.ts";
import { buildNvsPageHeader } from "../nvs/nvs-page-header.ts";
import { inspectImage } from "./inspect-image.ts";
import type { FlashInspection } from "./inspection.ts";

const FLASH_SIZE = 0x40_0000;
/** Where the two-slot table has its partitions. */
const AT = { nvs: 0x9000, otadata: 0xf000, ota_0: 0x2_0000, ota_1: 0x1d_0000 } as const;

const appOf = (chip: ChipName, version: string) =>
  buildAppImage({ chip, version, projectName: "gateway", sizeBytes: 40_000 });
const selection = (sequence: number) => buildOtadataEntry(otadataEntry(sequence, OtaImageState.VALID));

/** One page with namespace `app` and in it the string `token`. */
function nvsPage(token: string): Uint8Array {
  const page = new Uint8Array(4096).fill(0xff);
  page.set(buildNvsPageHeader(0, 0xfe));
  page[32] = 0b1110_1010; // entries 0, 1 and 2 written
  const payload = utf8(`${token}\0`);
  const namespace = {
    namespaceIndex: 0,
    type: NvsType.u8,
    span: 1,
    chunkIndex: 0xff,
    key: nvsKeyFromText("app").bytes,
  };
  const text = {
    namespaceIndex: 1,
    type: NvsType.string,
    span: 2,
    chunkIndex: 0xff,
    key: nvsKeyFromText("token").bytes,
  };
  page.set(buildNvsEntry({ ...namespace, data: Uint8Array.of(1) }), 64);
  page.set(buildNvsEntry({ ...text, data: buildNvsVariableData(payload) }), 96);
  page.set(payload, 128);
  return page;
}

function contentsOf(chip: ChipName, bootloaderOffset: number): Record<number, Uint8Array> {
  return {
    [bootloaderOffset]: buildBootloader(chip),
    32768: tableOf(TWO_OTA_LARGE_PARTITION_CSV),
    [AT.nvs]: nvsPage("s3cr3t"),
    [AT.otadata]: selection(1),
    [AT.otadata + 0x1000]: selection(2),
    [AT.ota_0]: appOf(chip, "1.0.0"),
    [AT.ota_1]: appOf(chip, "1.1.0"),
  };
}

function inspectFlash(contents: Record<number, Uint8Array>, sizeBytes = FLASH_SIZE): FlashInspection {
  const inspection = inspectImage(buildFlash(sizeBytes, contents));
  if (inspection.type !== "flash") throw new Error(`it is called ${inspection.type}`);
  return inspection;
}

test.for([
  ["esp32", 0x1000],
  ["esp32s2", 0x1000],
  ["esp32s3", 0],
  ["esp32c3", 0],
  ["esp32c5", 0x2000],
] as const)(
  "inspects a whole %s flash: bootloader at %i, table, every partition, and what starts",
  ([chip, offset]) => {
    const flash = inspectFlash(contentsOf(chip, offset));
    expect(flash).toMatchObject({
      valid: true,
      problems: [],
      chip,
      bootloaderOffset: offset,
      partitionTableOffset: 0x8000,
      boot: "ota_1",
    });
    expect(flash.partitions).toMatchObject([
      { label: "nvs", present: "whole", contents: { type: "nvs", valid: true } },
      { label: "otadata", contents: { type: "otadata", active: 1, entries: [{ slot: 0 }, { slot: 1 }] } },
      { label: "phy_init", erased: true, contents: null },
      { label: "ota_0", contents: { type: "app-image", chip, descriptor: { version: "1.0.0" } } },
      { label: "ota_1", contents: { type: "app-image", chip, descriptor: { version: "1.1.0" } } },
    ]);
  },
);

test("masks NVS strings inside a flash too, unless secrets are requested", () => {
  const bytes = buildFlash(FLASH_SIZE, contentsOf("esp32", 0x1000));
  expect(JSON.stringify(inspectImage(bytes))).not.toContain("s3cr3t");
  expect(JSON.stringify(inspectImage(bytes, { showSecrets: true }))).toContain("s3cr3t");
});

test("finds a table at another offset than 0x8000", () => {
  const csv = "nvs,data,nvs,,0x4000\nfactory,app,factory,,1M\n";
  const table = tableOf(csv, 0xc000);
  const contents = { 4096: buildBootloader("esp32"), 49152: table, 131072: appOf("esp32", "1.0.0") };
  expect(inspectFlash(contents)).toMatchObject({ valid: true, partitionTableOffset: 0xc000, boot: "factory" });
});

test("requires a valid app in the selected slot, and reports the other slot too", () => {
  const contents = contentsOf("esp32", 0x1000);
  const broken = appOf("esp32", "1.1.0");
  broken[20_000]! ^= 1;
  const { problems } = inspectFlash({ ...contents, [AT.ota_1]: broken });
  expect(problems).toMatchObject([
    { code: "image/checksum-mismatch", path: "/partitions/4/contents/checksum", offset: AT.ota_1 + broken.length - 33 },
    { code: "image/hash-mismatch", path: "/partitions/4/contents/hash" },
    { code: "image/not-bootable", path: "/boot", offset: AT.ota_1 },
  ]);
});

test("starts factory if otadata has no entries, otherwise the first slot", () => {
  const contents = contentsOf("esp32", 0x1000);
  const blank = { [AT.otadata]: new Uint8Array(), [AT.otadata + 0x1000]: new Uint8Array() };
  expect(inspectFlash({ ...contents, ...blank }).boot).toBe("ota_0");
  const single = {
    4096: buildBootloader("esp32"),
    32768: tableOf(SINGLEAPP_PARTITION_CSV),
    65536: appOf("esp32", "1"),
  };
  const flash = inspectFlash(single);
  expect(flash).toMatchObject({ valid: true, boot: "factory", partitionTable: { updatable: false } });
  expect(flash.partitionTable?.suggestion?.flashSize).toBe(FLASH_SIZE); // as the bootloader's header says
});

test.for([
  ["no bootloader", { 4096: new Uint8Array() }, "image/not-bootable", "/bootloader"],
  [
    "a bootloader where the ROM doesn't look",
    { 4096: new Uint8Array(), 0: buildBootloader("esp32") },
    "image/not-bootable",
    "/bootloaderOffset",
  ],
  ["an app for another chip", { [AT.ota_1]: appOf("esp32s3", "1") }, "image/wrong-chip", "/partitions/4"],
  ["no app in a slot", { [AT.ota_0]: utf8("hello") }, "image/not-bootable", "/partitions/3"],
  [
    "torn otadata",
    { [AT.otadata]: Uint8Array.of(1), [AT.otadata + 0x1000]: Uint8Array.of(2) },
    "image/otadata-invalid",
    "/partitions/1/contents/entries/0",
  ],
] as const)("a flash with %s is not valid", ([, changes, code, path]) => {
  const { valid, problems } = inspectFlash({ ...contentsOf("esp32", 0x1000), ...changes });
  expect(valid).toBe(false);
  expect(problems).toContainEqual(expect.objectContaining({ code, path }));
});

test("recognizes a flash whose table is missing or torn", () => {
  const contents = contentsOf("esp32", 0x1000);
  const without = inspectFlash({ ...contents, 32768: new Uint8Array() });
  expect(without).toMatchObject({ partitionTable: null, partitions: [], chip: "esp32" });
  expect(without.problems).toMatchObject([{ code: "image/partition-table-invalid", path: "/partitionTable" }]);
  const torn = inspectFlash({ ...contents, 32768: tableOf(TWO_OTA_LARGE_PARTITION_CSV).subarray(0, 40) });
  expect(torn.problems).toMatchObject([{ code: "image/partition-table-invalid", offset: 0x802c }]);
});

test.for([
  ["esp32", 0x1000],
  ["esp32s2", 0x1000],
  ["esp32p4", 0x2000],
] as const)("a merged image of the %s may begin at its bootloader's offset", ([chip, offset]) => {
  const whole = buildFlash(FLASH_SIZE, contentsOf(chip, offset));
  const inspection = inspectImage(whole.subarray(offset));
  const { startsAt, size, ...expected } = inspectFlash(contentsOf(chip, offset));
  expect(inspection).toEqual({
    ...expected,
    startsAt: offset,
    size: FLASH_SIZE - offset,
    notes: [expect.objectContaining({ path: "/startsAt", offset })],
  });
});

test("a merged image that begins at 0x1000 may have its partition table anywhere", () => {
  const csv = "nvs,data,nvs,,0x4000\nfactory,app,factory,,1M\n";
  const contents = { 4096: buildBootloader("esp32"), 49152: tableOf(csv, 0xc000), 131072: appOf("esp32", "1.0.0") };
  const file = buildFlash(FLASH_SIZE, contents).subarray(0x1000);
  expect(inspectImage(file)).toMatchObject({ startsAt: 0x1000, partitionTableOffset: 0xc000, valid: true });
});

test("reads a flash as a flash even if an app was once flashed to 0x0", () => {
  const contents = contentsOf("esp32", 0x1000);
  const stale = appOf("esp32", "0.9").subarray(0, 0x1000);
  expect(inspectFlash({ 0: stale, ...contents })).toMatchObject({ valid: true, bootloaderOffset: 0x1000 });
});

test("prefers a damaged bootloader where the ROM looks to a valid one elsewhere", () => {
  const damaged = buildBootloader("esp32");
  damaged[200]! ^= 1;
  const flash = inspectFlash({ ...contentsOf("esp32", 0x1000), 0: buildBootloader("esp32"), 4096: damaged });
  expect(flash).toMatchObject({ valid: false, bootloaderOffset: 0x1000 });
  expect(flash.problems).toMatchObject([{ code: "image/checksum-mismatch" }, { code: "image/hash-mismatch" }]);
  expect(flash.notes).toMatchObject([{ offset: 0, path: "/bootloaderOffset" }]);
});

test("of two bootloaders, uses the one for the chip of the apps", () => {
  const both = { ...contentsOf("esp32", 0x1000), 0: buildBootloader("esp32c3").subarray(0, 0x1000) };
  expect(inspectFlash(both)).toMatchObject({ chip: "esp32", bootloaderOffset: 0x1000, valid: true });
  expect(inspectFlash({ ...contentsOf("esp32c3", 0), 4096: buildBootloader("esp32") })).toMatchObject({
    chip: "esp32c3",
    bootloaderOffset: 0,
  });
});

test("names both partition tables, and an option selects the other", () => {
  const other = tableOf("nvs,data,nvs,,0x4000\nfactory,app,factory,0x20000,1M\n", 0xc000);
  const contents = {
    ...contentsOf("esp32", 0x1000),
    [AT.nvs]: new Uint8Array(),
    [AT.otadata]: new Uint8Array(),
    49152: other,
  };
  const bytes = buildFlash(FLASH_SIZE, contents);
  const message =
    "another partition table is at 0xc000; the one at 0x8000 counts, unless --partition-table-offset names another";
  expect(inspectImage(bytes)).toMatchObject({ partitionTableOffset: 0x8000, notes: [{ message, offset: 0xc000 }] });
  expect(inspectImage(bytes, { tableOffset: 0xc000 })).toMatchObject({
    partitionTableOffset: 0xc000,
    boot: "factory",
    notes: expect.arrayContaining([
      expect.objectContaining({ message: expect.stringContaining("at 0x8000; the one at 0xc000 counts") }),
    ]),
  });
  expect(inspectImage(bytes, { tableOffset: 0xd000 })).toMatchObject({
    partitionTable: null,
    problems: [{ message: "no partition table was found at 0xd000: nothing can start" }],
  });
});

test("prefers a torn table at 0x8000 to a valid one elsewhere", () => {
  const torn = tableOf(TWO_OTA_LARGE_PARTITION_CSV).subarray(0, 40);
  const flash = inspectFlash({
    ...contentsOf("esp32", 0x1000),
    32768: torn,
    1048576: tableOf(SINGLEAPP_PARTITION_CSV),
  });
  expect(flash).toMatchObject({ partitionTableOffset: 0x8000, valid: false });
  expect(flash.notes).toMatchObject([{ offset: 0x10_0000, path: "/partitionTableOffset" }]);
});

test("prefers a table that precedes all of its partitions", () => {
  const csv = "nvs,data,nvs,,0x4000\nfactory,app,factory,,1M\n";
  const contents = {
    4096: buildBootloader("esp32"),
    40960: tableOf("nvs,data,nvs,0x9000,0x4000\n"), // from a build whose table was at 0x8000
    49152: tableOf(csv, 0xc000),
    131072: appOf("esp32", "1.0.0"),
  };
  expect(inspectFlash(contents)).toMatchObject({
    partitionTableOffset: 0xc000,
    notes: [{ code: "image/no-ota-slots" }, { offset: 0xa000 }],
  });
});

test("accepts a bootloader longer than 0x7000 bytes in a flash", () => {
  const bootloader = buildBootloader("esp32", { size: 0xa000 });
  const table = tableOf("nvs,data,nvs,,0x4000\nfactory,app,factory,,1M\n", 0xc000);
  expect(inspectFlash({ 4096: bootloader, 49152: table, 131072: appOf("esp32", "1") })).toMatchObject({ valid: true });
  expect(inspectFlash({ 4096: bootloader }).problems).toMatchObject([{ code: "image/partition-table-invalid" }]);
});

test("checks a flash that is smaller than its header says by its actual size", () => {
  const bytes = buildFlash(FLASH_SIZE, contentsOf("esp32", 0x1000));
  expect(inspectImage(bytes, { flashSize: 0x20_0000 })).toMatchObject({ valid: false });
});

test("treats the missing end of a merged image as erased", () => {
  const bytes = buildFlash(FLASH_SIZE, contentsOf("esp32", 0x1000)).subarray(0, AT.ota_0);
  expect(inspectImage(bytes)).toMatchObject({
    type: "flash",
    valid: true,
    notes: [{ code: "image/truncated", offset: AT.ota_0 }],
    partitions: [{}, {}, {}, { label: "ota_0", present: "none" }, { label: "ota_1", present: "none" }],
  });
  const insideApp = buildFlash(FLASH_SIZE, contentsOf("esp32", 0x1000)).subarray(0, AT.ota_1 + 1000);
  expect(inspectImage(insideApp)).toMatchObject({ valid: false, partitions: [{}, {}, {}, {}, { present: "part" }] });
});

test("a flash with any bytes over any of its parts gives a result, never an exception", () => {
  const whole = buildFlash(AT.ota_0 + 0x1_0000, {
    4096: buildBootloader("esp32"),
    32768: tableOf(
      "nvs,data,nvs,,0x4000\notadata,data,ota,,0x2000\nota_0,app,ota_0,0x10000,64K\nota_1,app,ota_1,,64K\n",
    ),
    36864: nvsPage("secret"),
    53248: selection(1),
    65536: appOf("esp32", "1.0.0"),
    131072: appOf("esp32", "1.1.0"),
  });
  const places = [0x1000, 0x8000, 0x8020, 0x9000, 0xd000, 0xe000, 0x1_0000, 0x2_0000];
  const patch = fc.tuple(fc.constantFrom(...places), fc.nat(100), fc.uint8Array({ maxLength: 64 }));
  fc.assert(
    fc.property(fc.array(patch, { minLength: 1, maxLength: 4 }), (patches) => {
      const bytes = concatBytes([whole]);
      for (const [place, distance, data] of patches) bytes.set(data, place + distance);
      const inspection = inspectImage(bytes);
      expect(inspection.valid).toBe(inspection.problems.length === 0);
    }),
    { numRuns: 60 },
  );
});
