import { md5 } from "@noble/hashes/legacy.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, fromHex, toHex, utf8 } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { AppSubtype, DataSubtype, PartitionType, partitionSubtypeName, partitionTypeName } from "./partition-names.ts";
import {
  buildPartitionTable,
  findPartition,
  otaSlots,
  type PartitionEntry,
  type PartitionTable,
  parsePartitionTable,
} from "./partition-table.ts";

const nvs: PartitionEntry = { label: "nvs", type: 1, subtype: 2, offset: 0x9000, size: 0x4000, flags: 0 };
const app: PartitionEntry = { label: "ota_0", type: 0, subtype: 0x10, offset: 0x10000, size: 0x100000, flags: 0 };

const entryBytes = (entry: PartitionEntry) => buildPartitionTable({ entries: [entry] }).slice(0, 32);
const md5Bytes = (...entries: Uint8Array[]) =>
  concatBytes([fromHex(`ebeb${"ff".repeat(14)}`)!, md5(concatBytes(entries))]);
const end = new Uint8Array(32).fill(0xff);

const anyEntry: fc.Arbitrary<PartitionEntry> = fc.record({
  label: fc
    .string({ unit: "grapheme", maxLength: 16 })
    .filter((label) => !label.includes("\0") && utf8(label).length <= 16),
  type: fc.nat(0xff),
  subtype: fc.nat(0xff),
  offset: fc.nat(0xffffffff),
  size: fc.nat(0xffffffff),
  flags: fc.nat(0xffffffff),
});
const anyTable: fc.Arbitrary<PartitionTable> = fc.record({
  entries: fc.array(anyEntry, { minLength: 1, maxLength: 94 }),
  md5: fc.constantFrom("valid", "absent"),
});

function refusal(bytes: Uint8Array): { message: string; offset: number } {
  try {
    parsePartitionTable(bytes);
  } catch (error) {
    if (isOtaError(error, "image/partition-table-invalid"))
      return { message: error.message, offset: error.details.offset };
    throw error;
  }
  throw new Error("the table was accepted");
}

test("an entry has ESP-IDF's layout", () => {
  expect(toHex(entryBytes(nvs))).toBe(`aa500102${"00900000"}${"00400000"}${"6e7673"}${"00".repeat(13)}${"00000000"}`);
});

test("a table is its entries, their MD5, and 0xFF up to 3072 bytes", () => {
  const bytes = buildPartitionTable({ entries: [nvs, app] });
  expect(bytes).toHaveLength(3072);
  expect(bytes.subarray(64, 96)).toEqual(md5Bytes(bytes.subarray(0, 64)));
  expect(bytes.subarray(96).every((byte) => byte === 0xff)).toBe(true);
  expect(parsePartitionTable(bytes)).toEqual({ entries: [nvs, app], md5: "valid" });
});

test("every table is parsed back to itself", () => {
  fc.assert(
    fc.property(anyTable, (table) => {
      const bytes = buildPartitionTable(table);
      expect(parsePartitionTable(bytes)).toEqual(table);
      expect(buildPartitionTable(parsePartitionTable(bytes))).toEqual(bytes);
    }),
  );
});

test("any bytes give a partition table or image/partition-table-invalid", () => {
  const slot = fc.oneof(
    anyEntry.map(entryBytes),
    fc.constant(end),
    fc.uint8Array({ minLength: 30, maxLength: 33 }),
    fc.uint8Array({ minLength: 30, maxLength: 30 }).map((rest) => concatBytes([Uint8Array.of(0xaa, 0x50), rest])),
    fc.uint8Array({ minLength: 30, maxLength: 30 }).map((rest) => concatBytes([Uint8Array.of(0xeb, 0xeb), rest])),
  );
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(slot, { maxLength: 8 }), (slots) => {
      try {
        expect(parsePartitionTable(concatBytes(slots)).entries.length).toBeLessThan(slots.length);
        accepted++;
      } catch (error) {
        if (!isOtaError(error, "image/partition-table-invalid")) throw error;
      }
    }),
    { numRuns: 500 },
  );
  expect(accepted).toBeGreaterThan(0);
});

test("every truncation before the end marker is refused", () => {
  const bytes = buildPartitionTable({ entries: [nvs, app] }).subarray(0, 128);
  for (let size = 0; size < 128; size++) {
    expect(refusal(bytes.subarray(0, size))).toMatchObject({ offset: size - (size % 32) });
  }
  expect(parsePartitionTable(bytes).entries).toHaveLength(2);
});

test("every flipped bit of the entries and their MD5 is found", () => {
  const bytes = buildPartitionTable({ entries: [nvs, app] });
  const outcomes = new Map<string, number>();
  for (let bit = 0; bit < 96 * 8; bit++) {
    const isUnread = bit >= 66 * 8 && bit < 80 * 8; // what lies between the MD5 entry's magic and the MD5
    const flipped = Uint8Array.from(bytes);
    flipped[bit >>> 3]! ^= 1 << (bit & 7);
    let outcome: string;
    try {
      outcome = parsePartitionTable(flipped).md5;
    } catch (error) {
      if (!isOtaError(error, "image/partition-table-invalid")) throw error;
      outcome = "refused";
    }
    if (isUnread) expect(outcome).toBe("valid");
    else expect(outcome, `bit ${bit}`).not.toBe("valid");
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  expect(outcomes.get("mismatch")).toBeGreaterThan(500);
  expect(outcomes.get("refused")).toBeGreaterThanOrEqual(48); // the three magics
});

test("a wrong MD5 is reported, not refused", () => {
  const bytes = concatBytes([entryBytes(nvs), md5Bytes(entryBytes(app)), end]);
  expect(parsePartitionTable(bytes)).toEqual({ entries: [nvs], md5: "mismatch" });
});

test("a table without an MD5 is parsed and built", () => {
  const bytes = concatBytes([entryBytes(nvs), end]);
  const table = parsePartitionTable(bytes);
  expect(table).toEqual({ entries: [nvs], md5: "absent" });
  expect(buildPartitionTable(table).subarray(0, 64)).toEqual(bytes);
});

test("a table without partitions consists of its MD5", () => {
  const bytes = buildPartitionTable({ entries: [] });
  expect(toHex(bytes.subarray(16, 32))).toBe("d41d8cd98f00b204e9800998ecf8427e"); // MD5 of nothing
  expect(parsePartitionTable(bytes)).toEqual({ entries: [], md5: "valid" });
});

test("the end marker is recognized by its first four bytes", () => {
  const marker = concatBytes([Uint8Array.of(0xff, 0xff, 0xff, 0xff), new Uint8Array(28)]);
  expect(parsePartitionTable(concatBytes([entryBytes(nvs), marker])).entries).toEqual([nvs]);
});

test.for([
  { why: "erased flash", bytes: [end, end], offset: 0, message: "no partition table begins here: found ffff" },
  { why: "an app image", bytes: [new Uint8Array(32).fill(0xe9)], offset: 0, message: "found e9e9" },
  {
    why: "a torn entry",
    bytes: [entryBytes(nvs), new Uint8Array(32)],
    offset: 32,
    message: "the entry begins with 0000",
  },
  {
    why: "a blank magic alone",
    bytes: [entryBytes(nvs), Uint8Array.of(0xff, 0xff, ...new Uint8Array(30))],
    offset: 32,
    message: "begins with ffff",
  },
  {
    why: "a blank magic with type 0",
    bytes: [entryBytes(nvs), Uint8Array.of(0xff, 0xff, 0x00, 0xff, ...new Uint8Array(28))],
    offset: 32,
    message: "begins with ffff",
  },
  {
    why: "a blank magic with subtype 0",
    bytes: [entryBytes(nvs), Uint8Array.of(0xff, 0xff, 0xff, 0x00, ...new Uint8Array(28))],
    offset: 32,
    message: "begins with ffff",
  },
  { why: "no end marker", bytes: [entryBytes(nvs)], offset: 32, message: "missing an end marker" },
  {
    why: "two MD5 entries",
    bytes: [entryBytes(nvs), md5Bytes(entryBytes(nvs)), md5Bytes(entryBytes(nvs)), end],
    offset: 64,
    message: "second MD5 entry",
  },
  {
    why: "a partition behind the MD5",
    bytes: [entryBytes(nvs), md5Bytes(entryBytes(nvs)), entryBytes(app), end],
    offset: 64,
    message: "a partition follows the MD5 entry",
  },
  {
    why: "a label that isn't UTF-8",
    bytes: [concatBytes([entryBytes(nvs).subarray(0, 12), new Uint8Array(16).fill(0xfe), new Uint8Array(4)]), end],
    offset: 12,
    message: "isn't UTF-8",
  },
])("$why is refused with its offset", ({ bytes, offset, message }) => {
  expect(refusal(concatBytes(bytes))).toEqual({ message: expect.stringContaining(message), offset });
});

test("a table of 96 partitions has no room for an end marker", () => {
  const bytes = concatBytes(Array.from({ length: 96 }, () => entryBytes(nvs)));
  expect(refusal(concatBytes([bytes, end])).offset).toBe(0xc00);
});

test("a table holds 94 partitions with an MD5, and 95 without", () => {
  const entries = (count: number) => Array.from({ length: count }, () => nvs);
  expect(parsePartitionTable(buildPartitionTable({ entries: entries(94) })).entries).toHaveLength(94);
  expect(parsePartitionTable(buildPartitionTable({ entries: entries(95), md5: "absent" })).entries).toHaveLength(95);
  expect(() => buildPartitionTable({ entries: entries(95) })).toThrow("it holds at most 94");
  expect(() => buildPartitionTable({ entries: entries(96), md5: "absent" })).toThrow("it holds at most 95");
});

test("a label of 16 bytes has no terminator", () => {
  const label = "sixteen-letters!";
  const bytes = buildPartitionTable({ entries: [{ ...nvs, label }] });
  expect(toHex(bytes.subarray(12, 28))).toBe(toHex(utf8(label)));
  expect(parsePartitionTable(bytes).entries[0]?.label).toBe(label);
});

test.for([
  { why: "a label of 17 bytes", wrong: { label: "seventeen-letters" }, offset: 44 },
  { why: "a label with a NUL", wrong: { label: "a\0b" }, offset: 44 },
  { why: "a label of half a character", wrong: { label: "\ud800" }, offset: 44 },
  { why: "a type beyond a byte", wrong: { type: 256 }, offset: 34 },
  { why: "a negative offset", wrong: { offset: -1 }, offset: 36 },
  { why: "a size beyond 32 bits", wrong: { size: 2 ** 32 }, offset: 40 },
  { why: "flags that are no integer", wrong: { flags: 0.5 }, offset: 60 },
])("$why is not built", ({ wrong, offset }) => {
  expect(() => buildPartitionTable({ entries: [nvs, { ...nvs, ...wrong }] })).toThrow(
    expect.objectContaining({ code: "image/partition-table-invalid", details: { offset } }),
  );
});

test("refuses to build a table with neither partitions nor MD5, which would look erased", () => {
  expect(() => buildPartitionTable({ entries: [], md5: "absent" })).toThrow("it must have one");
});

test("OTA slots are counted from ota_0 up to the first missing one", () => {
  const slot = (subtype: number) => ({ ...app, label: `app${subtype}`, subtype });
  const slots = (...subtypes: number[]) => otaSlots({ entries: subtypes.map(slot) }).map(({ subtype }) => subtype);
  expect(slots(0x10, 0x11)).toEqual([0x10, 0x11]);
  expect(slots(0x11, 0x00, 0x10)).toEqual([0x10, 0x11]);
  expect(slots(0x10, 0x12)).toEqual([0x10]);
  expect(slots(0x11, 0x12)).toEqual([]);
  expect(slots(...Array.from({ length: 17 }, (_, index) => 0x10 + index))).toHaveLength(16); // 0x20 is the test app
  expect(otaSlots({ entries: [{ ...nvs, subtype: 0x10 }] })).toEqual([]);
});

test("finds the first partition with a type and subtype, or the one with a certain label", () => {
  const second = { ...nvs, label: "nvs2" };
  const entries = [app, nvs, second];
  expect(findPartition({ entries }, PartitionType.DATA, DataSubtype.NVS)).toBe(nvs);
  expect(findPartition({ entries }, PartitionType.DATA, DataSubtype.NVS, "nvs2")).toBe(second);
  expect(findPartition({ entries }, PartitionType.APP, AppSubtype.FACTORY)).toBeUndefined();
});

test.for([
  [0x00, 0x00, "app", "factory"],
  [0x00, 0x1f, "app", "ota_15"],
  [0x00, 0x31, "app", "tee_1"],
  [0x01, 0x83, "data", "littlefs"],
  [0x01, 0x07, "data", "0x07"],
  [0x02, 0x02, "bootloader", "recovery"],
  [0x03, 0x01, "partition_table", "ota"],
  [0x40, 0x00, "0x40", "0x00"],
] as const)("type %i, subtype %i is called %s, %s", ([type, subtype, typeName, subtypeName]) => {
  expect(partitionTypeName(type)).toBe(typeName);
  expect(partitionSubtypeName(type, subtype)).toBe(subtypeName);
});
