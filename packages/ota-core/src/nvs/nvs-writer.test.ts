import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import type { NvsEntryInput } from "./nvs-entry-input.ts";
import { readNvsPartition } from "./nvs-partition.ts";
import { buildNvsPartition } from "./nvs-writer.ts";

const SMALL: readonly NvsEntryInput[] = [
  { namespace: "cfg", key: "boot", type: "u8", value: 7 },
  { namespace: "cfg", key: "name", type: "string", value: "abc" },
  { namespace: "cfg", key: "blob", type: "blob", value: Uint8Array.of(0x00, 0x11, 0x22, 0x33) },
];

test("builds the same bytes as Espressif's generator for the same three values", () => {
  const bytes = buildNvsPartition(SMALL, { sizeBytes: 0x3000 });
  expect(bytes.length).toBe(0x3000);
  // State active, sequence 0, version 0xFE, CRC; then the bitmap: seven entries written.
  expect(toHex(bytes.subarray(0, 36))).toBe(`feffffff00000000fe${"ff".repeat(19)}842dbab9aaeaffff`.slice(0, 72));
  const lines = Array.from({ length: 7 }, (_, index) => toHex(bytes.subarray(64 + 32 * index, 96 + 32 * index)));
  expect(lines).toEqual([
    `000101ffb2ad7589${"636667".padEnd(32, "0")}01ffffffffffffff`, // namespace cfg = 1
    `010101ff83cd37d7${"626f6f74".padEnd(32, "0")}07ffffffffffffff`, // boot = 7
    `012102ff50702ea7${"6e616d65".padEnd(32, "0")}0400ffffb348e679`, // name: 4 bytes and their CRC
    `61626300${"ff".repeat(28)}`, // "abc" and its NUL
    `014202009f98fb92${"626c6f62".padEnd(32, "0")}0400ffff8e1179fa`, // chunk 0 of blob
    `00112233${"ff".repeat(28)}`,
    `014801ffa0f19ef8${"626c6f62".padEnd(32, "0")}040000000100ffff`, // its index: 4 bytes, 1 chunk from 0
  ]);
  expect(bytes.subarray(64 + 32 * 7).every((byte) => byte === 0xff)).toBe(true);
});

test("groups entries by namespace, in the order of the namespaces' first appearance", () => {
  const [boot, name, blob] = SMALL as [NvsEntryInput, NvsEntryInput, NvsEntryInput];
  const other: NvsEntryInput = { namespace: "other", key: "boot", type: "u8", value: 1 };
  const empty: NvsEntryInput = { namespace: "empty", type: "namespace" };
  const mixed = buildNvsPartition([boot, other, empty, name, blob], { sizeBytes: 0x3000 });
  expect(mixed).toEqual(buildNvsPartition([boot, name, blob, other, empty], { sizeBytes: 0x3000 }));
  expect(readNvsPartition(mixed).namespaces.map(({ name }) => name)).toEqual(["cfg", "other", "empty"]);
});

const text = (length: number): NvsEntryInput => ({
  namespace: "n",
  key: `s${length}`,
  type: "string",
  value: "x".repeat(length),
});

test.for([
  // Two of 63 entries each and a namespace don't fit one page.
  ["read-only, one page too few", 0x1000, [text(1983), text(1982)], 0x2000],
  ["read-only, and the content needs three pages", 0x1000, [text(3000), text(3001), text(3002)], 0x4000],
  ["writable, without the page that stays blank", 0x3000, [text(3000), text(3001), text(3002)], 0x4000],
] as const)("names the required size if the given one is too small: %s", ([, sizeBytes, entries, neededBytes]) => {
  expect(() => buildNvsPartition(entries, { sizeBytes })).toThrow(
    `needs a partition of 0x${neededBytes.toString(16)} bytes`,
  );
  expect(buildNvsPartition(entries, { sizeBytes: neededBytes }).length).toBe(neededBytes);
  expect(() => buildNvsPartition(entries, { sizeBytes: neededBytes - 4096 })).toThrow("needs a partition of");
});

test.for([0, 4095, 4097, -4096, 2 ** 40, Number.NaN, 4096.5, Number.POSITIVE_INFINITY])(
  "refuses a size of %d bytes and says which are allowed",
  (sizeBytes) => {
    expect(() => buildNvsPartition([], { sizeBytes })).toThrow("a multiple of 4096 from 0x1000 to 0x8000000");
  },
);

const entry = (fields: object): NvsEntryInput => ({ namespace: "n", key: "k", ...fields }) as NvsEntryInput;
const namespaces = (count: number) =>
  Array.from({ length: count }, (_, index): NvsEntryInput => ({ namespace: `n${index}`, type: "namespace" }));

test.for([
  [entry({ type: "u8", value: 256 }), "n/k is out of range: a u8 is a whole number from 0 to 255"],
  [entry({ type: "i8", value: -129 }), "from -128 to 127"],
  [entry({ type: "u16", value: 1.5 }), "a whole number"],
  [entry({ type: "u32", value: "7" }), "a whole number"],
  [entry({ type: "u64", value: 2n ** 64n }), "from 0 to 18446744073709551615"],
  [entry({ type: "i64", value: 2 ** 53 }), "a whole number"],
  [entry({ type: "string", value: "x".repeat(3968) }), "is 3969 bytes long with its NUL; a string takes at most 3968"],
  [entry({ type: "string", value: "a\0b" }), "has a NUL in its text"],
  [entry({ type: "string", value: "\ud800" }), "half a surrogate pair"],
  [entry({ type: "string", value: 7 }), "must have text"],
  [entry({ type: "blob", value: [1] }), "must have a Uint8Array"],
  [entry({ type: "blob", value: new Uint8Array(508_001) }), "a blob takes at most 508000"],
  [entry({ type: "float", value: 1 }), "has an unknown type; it must be u8,"],
  [entry({ key: "", type: "u8", value: 1 }), "has a key that is empty"],
  [entry({ key: "a-key-of-16-chars", type: "u8", value: 1 }), "has 17 characters; at most 15 are allowed"],
  [entry({ key: "é", type: "u8", value: 1 }), "not printable ASCII"],
  [
    entry({ namespace: "a-namespace-of-24-letters", type: "u8", value: 1 }),
    "is in a namespace whose name has 25 characters",
  ],
] as const)("%o is refused", ([wrong, message]) => {
  expect(() => buildNvsPartition([wrong], { sizeBytes: 0x10_0000 })).toThrow(message);
});

test("refuses a repeated key, too many namespaces, and values too large for version 1", () => {
  const twice = [entry({ type: "u8", value: 1 }), entry({ type: "string", value: "x" })];
  expect(() => buildNvsPartition(twice, { sizeBytes: 0x3000 })).toThrow("n/k occurs twice");
  expect(buildNvsPartition(namespaces(254), { sizeBytes: 0x4000 }).length).toBe(0x4000);
  expect(() => buildNvsPartition(namespaces(255), { sizeBytes: 0x4000 })).toThrow(
    "the namespace n254 is one namespace too many",
  );
  for (const fields of [
    { type: "string", value: "x".repeat(1984) },
    { type: "blob", value: new Uint8Array(1985) },
  ]) {
    expect(() => buildNvsPartition([entry(fields)], { sizeBytes: 0x3000, version: 1 })).toThrow(
      "is 1985 bytes long; format version 1",
    );
  }
});

test("refuses a blob that would need 128 chunks at its position, and accepts it at the start of a page", () => {
  const blob = (size: number) => [entry({ type: "blob", value: new Uint8Array(size) })];
  // The first page has the namespace's entry too: 124 entries of payload there, 126 pages of 125, and the rest in another.
  const fitting = 3968 + 126 * 4000;
  expect(buildNvsPartition(blob(fitting), { sizeBytes: 0x10_0000 }).length).toBe(0x10_0000);
  expect(() => buildNvsPartition(blob(fitting + 1), { sizeBytes: 0x10_0000 })).toThrow("128 chunks at this position");
});

test("refuses two keys with the same hash, because a device takes the first for an old value", () => {
  const pair = ["pack_amp_soc1", "bal-cell-cfg2"] as const;
  const entries = pair.map((key): NvsEntryInput => ({ namespace: "n", key, type: "u8", value: 1 }));
  const message = `n/${pair[1]} has the same 24-bit hash as n/${pair[0]}`;
  expect(() => buildNvsPartition(entries, { sizeBytes: 0x3000 })).toThrow(message);
  // In another namespace, which is part of the hash, it is another one.
  const apart = [entries[0]!, { ...entries[1]!, namespace: "m" }];
  expect(readNvsPartition(buildNvsPartition(apart, { sizeBytes: 0x3000 })).entries.length).toBe(2);
});

test("any entries give a partition of the size or an OtaError", () => {
  const anything = fc.record({
    namespace: fc.oneof(fc.string(), fc.constant("n")),
    key: fc.string(),
    type: fc.constantFrom("u8", "i64", "string", "blob", "namespace", "float", ""),
    value: fc.oneof(fc.integer(), fc.bigInt(), fc.string({ unit: "binary" }), fc.uint8Array(), fc.anything()),
  });
  fc.assert(
    fc.property(fc.array(anything), fc.oneof(fc.constant(0x3000), fc.anything()), (entries, size) => {
      try {
        const bytes = buildNvsPartition(entries as NvsEntryInput[], { sizeBytes: size as number });
        expect(bytes.length).toBe(size);
      } catch (error) {
        if (!isOtaError(error)) throw error;
      }
    }),
  );
});
