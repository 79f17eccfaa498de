import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import {
  BUILT_IN_PARTITION_TABLES,
  SINGLEAPP_PARTITION_CSV,
  TWO_OTA_LARGE_PARTITION_CSV,
  TWO_OTA_PARTITION_CSV,
} from "./built-in-partition-tables.ts";
import { formatPartitionCsv, parsePartitionCsv } from "./partition-csv.ts";
import { buildPartitionTable, type PartitionEntry, parsePartitionTable } from "./partition-table.ts";

function places(csv: string): readonly (readonly [string, number, number])[] {
  return parsePartitionCsv(csv).entries.map(({ label, offset, size }) => [label, offset, size] as const);
}

function refusal(csv: string, options = {}): { line: number; message: string } {
  try {
    parsePartitionCsv(csv, options);
  } catch (error) {
    if (isOtaError(error, "image/partition-csv-invalid")) return { line: error.details.line, message: error.message };
    throw error;
  }
  throw new Error("the CSV was accepted");
}

test("parses ESP-IDF's single-app layout", () => {
  expect(places(SINGLEAPP_PARTITION_CSV)).toEqual([
    ["nvs", 0x9000, 0x6000],
    ["phy_init", 0xf000, 0x1000],
    ["factory", 0x10000, 0x100000],
  ]);
});

test("parses ESP-IDF's layout with a factory app and two OTA slots, with the same MD5", () => {
  expect(places(TWO_OTA_PARTITION_CSV)).toEqual([
    ["nvs", 0x9000, 0x4000],
    ["otadata", 0xd000, 0x2000],
    ["phy_init", 0xf000, 0x1000],
    ["factory", 0x10000, 0x100000],
    ["ota_0", 0x110000, 0x100000],
    ["ota_1", 0x210000, 0x100000],
  ]);
  const bytes = buildPartitionTable(parsePartitionCsv(TWO_OTA_PARTITION_CSV));
  expect(toHex(bytes.subarray(0, 32))).toBe(`aa5001020090000000400000${"6e7673"}${"00".repeat(17)}`);
  expect(toHex(bytes.subarray(0xc0, 0xe0))).toBe(`ebeb${"ff".repeat(14)}bf25822c0fa6d8641bd930251e06b4c4`);
});

test("parses ESP-IDF's layout with two large OTA slots, with the same MD5", () => {
  expect(places(TWO_OTA_LARGE_PARTITION_CSV)).toEqual([
    ["nvs", 0x9000, 0x6000],
    ["otadata", 0xf000, 0x2000],
    ["phy_init", 0x11000, 0x1000],
    ["ota_0", 0x20000, 0x1a9000],
    ["ota_1", 0x1d0000, 0x1a9000],
  ]);
  const bytes = buildPartitionTable(parsePartitionCsv(TWO_OTA_LARGE_PARTITION_CSV));
  expect(toHex(bytes.subarray(0xa0, 0xc0))).toBe(`ebeb${"ff".repeat(14)}37f38b32a34f7412f158930062441178`);
});

test.for(Object.entries(BUILT_IN_PARTITION_TABLES))("%s is the same after CSV, binary and CSV again", ([, csv]) => {
  const table = parsePartitionCsv(csv);
  const parsed = parsePartitionTable(buildPartitionTable(table));
  expect(parsed).toEqual(table);
  expect(parsePartitionCsv(formatPartitionCsv(parsed))).toEqual(table);
});

test("formats CSV like gen_esp32part.py", () => {
  const table = parsePartitionCsv(
    "n,data,nvs,,0x2000,readonly\nk,data,nvs_keys,,0x1000,encrypted\nx,0x40,0,,0x123,\na,app,test,,2M",
  );
  expect(formatPartitionCsv(table)).toBe(
    [
      "# ESP-IDF Partition Table",
      "# Name, Type, SubType, Offset, Size, Flags",
      "n,data,nvs,0x9000,8K,readonly",
      "k,data,nvs_keys,0xb000,4K,encrypted",
      "x,0x40,0x00,0xc000,0x123,",
      "a,app,test,0x10000,2M,",
      "",
    ].join("\n"),
  );
});

test("every valid table is parsed back from its CSV", () => {
  const row = fc.record({
    label: fc.uuid().map((id) => id.slice(0, 13)),
    type: fc.constantFrom(0, 1, 0x40, 0xfe),
    subtype: fc.nat(0xff),
    pages: fc.integer({ min: 3, max: 700 }),
    flags: fc.nat(3),
  });
  let written = 0;
  fc.assert(
    fc.property(fc.uniqueArray(row, { selector: ({ label }) => label, maxLength: 20 }), (rows) => {
      let offset = 0x9000;
      const entries: PartitionEntry[] = [];
      for (const { pages, ...rest } of rows) {
        const isSpecial = rest.subtype === 0 || rest.subtype === 3 || rest.subtype === 0x90;
        if (isSpecial) continue; // otadata and core dump have rules of their own
        if (rest.type === 0) offset = 0x10000 * Math.ceil(offset / 0x10000);
        entries.push({ ...rest, offset, size: pages * 0x1000 });
        offset += pages * 0x1000;
      }
      const table = { entries, md5: "valid" as const };
      expect(parsePartitionCsv(formatPartitionCsv(table))).toEqual(table);
      written += entries.length;
    }),
  );
  expect(written).toBeGreaterThan(100);
});

test("any text gives a table or image/partition-csv-invalid", () => {
  const field = fc.oneof(
    fc.constantFrom(
      "",
      "app",
      "data",
      "nvs",
      "ota",
      "ota_0",
      "0x9000",
      "-0x20000",
      "1M",
      "4K",
      "1MK",
      "readonly",
      "0",
      "9e9",
    ),
    fc.string({ maxLength: 6 }),
    fc.integer().map(String),
  );
  const text = fc.array(
    fc.array(field, { maxLength: 8 }).map((fields) => fields.join(",")),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        text.map((lines) => lines.join("\n")),
        fc.string(),
      ),
      (csv) => {
        try {
          const table = parsePartitionCsv(csv);
          if (table.entries.length > 0) expect(parsePartitionTable(buildPartitionTable(table))).toEqual(table);
        } catch (error) {
          if (!isOtaError(error, "image/partition-csv-invalid")) throw error;
          expect(error.details.line).toBeGreaterThan(0);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test("comments, blank lines, spaces, missing and extra fields don't matter", () => {
  const csv =
    "\uFEFF# a comment\r\n\r\n  nvs , DATA , Nvs ,, 0x4000 ,, extra, fields\r\n\t# another\r\nx, 0x40, 1, , 4K";
  expect(parsePartitionCsv(csv).entries).toEqual([
    { label: "nvs", type: 1, subtype: 2, offset: 0x9000, size: 0x4000, flags: 0 },
    { label: "x", type: 0x40, subtype: 1, offset: 0xd000, size: 0x1000, flags: 0 },
  ]);
});

test.for([
  ["0x6000", 0x6000],
  ["24K", 0x6000],
  ["24k", 0x6000],
  ["24 K", 0x6000],
  ["24_576", 0x6000],
  ["0b110K", 6 * 1024],
  ["0o14K", 12 * 1024],
  ["1MK", 2 ** 30],
  ["+4K", 4096],
  ["-0x20000", 0x20000 - 0x9000], // up to that address
  ["00", 0],
] as const)("a size of %s is %i bytes", ([text, size]) => {
  expect(parsePartitionCsv(`x,data,fat,,${text}`).entries[0]?.size).toBe(size);
});

test("missing offsets are aligned to 64 KiB for apps and to 4 KiB for data", () => {
  expect(places("a,data,fat,,0x123\nb,data,fat,,0x1000\nc,app,ota_0,,64K\nd,data,fat,,4K")).toEqual([
    ["a", 0x9000, 0x123],
    ["b", 0xa000, 0x1000],
    ["c", 0x10000, 0x10000],
    ["d", 0x20000, 0x1000],
  ]);
});

test("partitions follow the table at any table offset", () => {
  expect(parsePartitionCsv("nvs,data,nvs,,12K", { tableOffset: 0x10000 }).entries[0]?.offset).toBe(0x11000);
});

test("an empty data subtype is undefined", () => {
  expect(parsePartitionCsv("x,data,,,4K").entries[0]?.subtype).toBe(0x06);
});

test("flags add up", () => {
  expect(parsePartitionCsv("x,data,nvs,,4K,readonly:encrypted").entries[0]?.flags).toBe(3);
});

test("rows of the bootloader and the table itself are placed before everything else", () => {
  const csv = "bootloader,bootloader,primary\ntable,partition_table,primary\nnvs,data,nvs,,12K";
  const { entries } = parsePartitionCsv(csv, { bootloaderOffset: 0x1000 });
  expect(entries.map(({ label, type, offset, size }) => [label, type, offset, size])).toEqual([
    ["bootloader", 2, 0x1000, 0x7000],
    ["table", 3, 0x8000, 0x1000],
    ["nvs", 1, 0x9000, 0x3000],
  ]);
  expect(refusal(csv)).toEqual({ line: 1, message: "Error at line 1: Primary bootloader offset is not defined" });
  expect(refusal(csv, { bootloaderOffset: 0x9000 }).message).toContain("must lie before the table at 0x8000");
});

test.for([
  ["x", 1, "Error at line 1: Field 'type' can't be left empty."],
  ["# c\n\nx,app,,,1M", 3, "Error at line 3: App partition cannot have an empty subtype"],
  ["x,data,nvs,,", 1, "Error at line 1: Size field can't be empty"],
  [
    "x,date,nvs,,4K",
    1,
    "Error at line 1: Value 'date' is not valid. Known keywords: app, data, bootloader, partition_table",
  ],
  ["x,app,ota_16,,4K", 1, "Error at line 1: Value 'ota_16' is not valid. Known keywords: factory, test, ota_0, ota_1"],
  ["x,0x40,abc,,4K", 1, "Error at line 1: Invalid field value abc"],
  ["x,data,nvs,here,4K", 1, "Error at line 1: Invalid field value here"],
  ["x,data,nvs,,0x", 1, "Error at line 1: Invalid field value 0x"],
  ["x,data,nvs,,010", 1, "Error at line 1: Invalid field value 010"], // Python has no such octal
  ["x,data,nvs,,4G", 1, "Error at line 1: Invalid field value 4G"],
  ["x,data,nvs,,K", 1, "Error at line 1: Invalid field value K"],
  ["x,256,0,,4K", 1, "Error at line 1: Invalid field value: type 256 must be from 0 to 255"],
  ["x,data,-1,,4K", 1, "Error at line 1: Invalid field value: subtype -1 must be from 0 to 255"],
  ["x,data,fat,-4K,4K", 1, "Error at line 1: Invalid field value: offset -4096 must be from 0 to 4294967295"],
  ["x,data,fat,,1MMM", 1, "Error at line 1: Invalid field value: size 1152921504606847000"],
  ["x,data,fat,,0xffffffff", 1, "Error at line 1: Invalid field value: the partition ends at 0x100008fff"],
  ["x,data,fat,,-0x8000", 1, "Error at line 1: Invalid field value: the partition ends at 0x8000, before it begins"],
  ["x,data,nvs,,12K,secret", 1, "Error at line 1: CSV flag column contains unknown flag 'secret'"],
  ["x,data,nvs,,12K,READONLY", 1, "unknown flag 'READONLY'"],
  ["seventeen-letters,data,nvs,,12K", 1, `the label "seventeen-letters" is 17 bytes of UTF-8; it must be at most 16`],
  [
    "x,data,nvs,0x8000,12K",
    1,
    "CSV Error at line 1: Partitions overlap. Partition sets offset 0x8000. But partition table occupies the whole sector 0x8000. Use a free offset 0x9000 or higher.",
  ],
  [
    "a,data,fat,,0x2000\nb,data,fat,0xa000,0x1000",
    2,
    "CSV Error at line 2: Partitions overlap. Partition sets offset 0xa000. Previous partition ends 0xb000",
  ],
  ["a,data,fat,,0x1123\nb,data,fat,0xa000,4K", 2, "Previous partition ends 0xa123"],
  ["a,data,fat,0x9004,4K", 1, "Partition a invalid: Offset 0x9004 is not aligned to 0x1000"],
  ["a,app,ota_0,0x11000,1M", 1, "Partition a invalid: Offset 0x11000 is not aligned to 0x10000"],
  ["a,app,ota_0,,0x100100", 1, "Partition a invalid: Size 0x100100 is not aligned to 0x1000"],
  ["a,data,fat,,4K\na,data,fat,,4K", 2, "Partition names must be unique"],
  ["a,data,ota,,0x2000\nb,data,ota,,0x2000", 2, "Found multiple otadata partitions."],
  ["a,data,ota,,0x1000", 1, "otadata partition must have size = 0x2000"],
  ["a,data,tee_ota,,0x3000", 1, "TEE otadata partition must have size = 0x2000"],
  [
    "a,data,ota,,0x2000,readonly",
    1,
    "'a' partition of type 1 and subtype 0 is always read-write and cannot be read-only",
  ],
  ["a,data,coredump,,64K,readonly", 1, "'a' partition of type 1 and subtype 3 is always read-write"],
  [
    "a,data,nvs,,0x2000",
    1,
    "'a' partition of type 1 and subtype 2 of this size (0x2000) must be flagged as 'readonly' (the size of read/write NVS has to be at least 0x3000)",
  ],
] as const)("%j is refused in line %i: %s", ([csv, line, message]) => {
  expect(refusal(csv)).toEqual({ line, message: expect.stringContaining(message) });
});

test("stated offsets and sizes that the tool computes are ignored", () => {
  const places = ([offset, size]: readonly [string, string]) =>
    parsePartitionCsv(
      `b,bootloader,primary,${offset},${size}\nt,partition_table,primary,${offset},${size}\nnvs,data,nvs,,24K\nob,bootloader,ota,,${size}\not,3,1,,${size}\nr,2,2,${offset},${size}`,
      { tableOffset: 0xa000, bootloaderOffset: 0x2000, recoveryBootloaderOffset: 0x3f_0000 },
    ).entries.map(({ label, offset, size }) => [label, offset, size]);
  const expected = [
    ["b", 0x2000, 0x8000],
    ["t", 0xa000, 0x1000],
    ["nvs", 0xb000, 0x6000],
    ["ob", 0x1_1000, 0x8000],
    ["ot", 0x1_9000, 0x1000],
    ["r", 0x3f_0000, 0x8000],
  ];
  for (const fields of [
    ["", ""],
    ["N/A", "N/A"],
    ["0x5000", "0x123"],
    ["soon", "-1"],
  ] as const) {
    expect(places(fields)).toEqual(expected);
  }
});

test("the row of the primary bootloader states its offset if no option does", () => {
  const csv = "ob,bootloader,ota,0x10000,N/A\nb,bootloader,primary,0x1000,N/A";
  expect(parsePartitionCsv(csv).entries.map(({ offset, size }) => [offset, size])).toEqual([
    [0x1_0000, 0x7000],
    [0x1000, 0x7000],
  ]);
  expect(refusal("boot,bootloader,primary,0xa000,4K").message).toContain("must lie before the table at 0x8000");
});

test.for([
  ["b,bootloader,ota,,32K", "Primary bootloader offset is not defined", "--primary-bootloader-offset"],
  ["b,bootloader,primary,0x1000,\nr,bootloader,recovery,N/A,", "Recovery bootloader offset", "--recovery-bootloader"],
] as const)("%j names the option that it needs", ([csv, message, hint]) => {
  expect(() => parsePartitionCsv(csv)).toThrow(
    expect.objectContaining({ message: expect.stringContaining(message), hint: expect.stringContaining(hint) }),
  );
});

test("a bootloader's row behind the partition table may not overlap it", () => {
  const csv = "boot,bootloader,ota,0x7000,4K";
  expect(refusal(csv, { bootloaderOffset: 0x1000 }).message).toContain("Partitions overlap");
});

test("a table of 95 partitions is refused, with the first one that doesn't fit", () => {
  const rows = (count: number) => Array.from({ length: count }, (_, index) => `p${index},data,fat,,4K`).join("\n");
  expect(parsePartitionCsv(rows(94)).entries).toHaveLength(94);
  expect(refusal(rows(95))).toEqual({ line: 95, message: expect.stringContaining("length (3072) longer than max") });
});

test.for([
  { why: "a comma in its label", wrong: { label: "a,b" } },
  { why: "a line break in its label", wrong: { label: "a\nb" } },
  { why: "a space before its label", wrong: { label: " a" } },
  { why: "the look of a comment", wrong: { label: "#a" } },
  { why: "a flag without a name", wrong: { flags: 4 } },
])("an entry with $why can't be written as CSV", ({ wrong }) => {
  const entry = { label: "a", type: 1, subtype: 2, offset: 0x9000, size: 0x3000, flags: 0, ...wrong };
  expect(() => formatPartitionCsv({ entries: [entry] })).toThrow(
    expect.objectContaining({ code: "image/partition-csv-invalid", details: { line: 3 } }),
  );
});
