import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, fromHex, utf8 } from "../bytes.ts";
import { buildNvsBlobIndex, buildNvsEntry, buildNvsVariableData, NvsType } from "./nvs-entry.ts";
import { NvsEntryState, NvsEntryStates, nvsStateWordIndex } from "./nvs-entry-states.ts";
import { nvsKeyFromText } from "./nvs-key.ts";
import { buildNvsPageHeader, NVS_PAGE_SIZE } from "./nvs-page-header.ts";
import { readNvsPartition } from "./nvs-partition.ts";

/** An entry with its payload, as whole entries of 32 bytes. */
function item(namespaceIndex: number, type: number, key: string, data: Uint8Array, chunkIndex = 0xff): Uint8Array {
  const hasPayload = type === NvsType.string || type === NvsType.blob || type === NvsType.blobData;
  const span = hasPayload ? 1 + Math.ceil(data.length / 32) : 1;
  const field = hasPayload ? buildNvsVariableData(data) : data;
  const entry = { namespaceIndex, type, span, chunkIndex, key: nvsKeyFromText(key).bytes, data: field };
  const payload = new Uint8Array(32 * (span - 1)).fill(0xff);
  if (hasPayload) payload.set(data);
  return concatBytes([buildNvsEntry(entry), payload]);
}

const index = (sizeBytes: number, chunkCount: number, chunkStart = 0) =>
  buildNvsBlobIndex({ sizeBytes, chunkCount, chunkStart });
const text = (value: string) => utf8(`${value}\0`);
const NAMESPACE = item(0, NvsType.u8, "app", Uint8Array.of(1));

interface PageSpec {
  readonly sequence?: number;
  /** First byte of the state word: 0xFE active, 0xFC full, 0xF8 freeing. */
  readonly state?: number;
  readonly items: readonly Uint8Array[];
  /** States other than "written", by entry. */
  readonly states?: Readonly<Record<number, NvsEntryState>>;
  readonly version?: number;
}

function page({ sequence = 0, state = 0xfe, items, states = {}, version = 0xfe }: PageSpec): Uint8Array {
  const bytes = new Uint8Array(NVS_PAGE_SIZE).fill(0xff);
  bytes.set(buildNvsPageHeader(sequence, version));
  bytes[0] = state;
  const entries = concatBytes(items);
  bytes.set(entries, 64);
  const bitmap = new NvsEntryStates();
  for (let entry = 0; entry < entries.length / 32; entry++) bitmap.set(entry, states[entry] ?? NvsEntryState.written);
  for (let entry = 0; entry < 126; entry += 16) {
    bytes.set(bitmap.wordBytes(nvsStateWordIndex(entry)), 32 + 4 * nvsStateWordIndex(entry));
  }
  return bytes;
}

const BLANK = new Uint8Array(NVS_PAGE_SIZE).fill(0xff);

function partition(...pages: readonly Uint8Array[]): Uint8Array {
  return concatBytes([...pages, BLANK, BLANK]);
}

const values = (bytes: Uint8Array) =>
  readNvsPartition(bytes).entries.map(({ namespace, key, type, value }) => [`${namespace}:${key}`, type, value]);
const codes = (bytes: Uint8Array) => readNvsPartition(bytes).problems.map(({ code }) => code);

test("reads a page of Espressif's generator: namespace, number, string and blob", () => {
  const bytes = new Uint8Array(3 * NVS_PAGE_SIZE).fill(0xff);
  bytes.set(fromHex(`feffffff00000000fe${"ff".repeat(19)}842dbab9`)!);
  // 7 entries written
  bytes.set(fromHex("aaeaffff")!, 32);
  const entries = [
    "000101ffb2ad75896366670000000000000000000000000001ffffffffffffff", // namespace cfg = 1
    "010101ff83cd37d7626f6f7400000000000000000000000007ffffffffffffff", // u8 boot = 7
    "012102ff50702ea76e616d650000000000000000000000000400ffffb348e679", // string name, 4 bytes
    `61626300${"ff".repeat(28)}`, // "abc\0"
    "014202009f98fb92626c6f620000000000000000000000000400ffff8e1179fa", // chunk 0 of blob, 4 bytes
    `00112233${"ff".repeat(28)}`,
    "014801ffa0f19ef8626c6f62000000000000000000000000040000000100ffff", // index of blob: 4 bytes in 1 chunk
  ];
  bytes.set(fromHex(entries.join(""))!, 64);
  expect(readNvsPartition(bytes)).toEqual({
    version: 2,
    namespaces: [{ name: "cfg", index: 1 }],
    entries: [
      { namespace: "cfg", key: "boot", type: "u8", value: 7, offset: 64 + 32 },
      { namespace: "cfg", key: "name", type: "string", value: "abc", offset: 64 + 2 * 32 },
      {
        namespace: "cfg",
        key: "blob",
        type: "blob",
        value: Uint8Array.of(0x00, 0x11, 0x22, 0x33),
        offset: 64 + 6 * 32,
      },
    ],
    pages: [
      { offset: 0, state: "active", sequence: 0, used: 7, erased: 0, free: 119 },
      { offset: 4096, state: "uninitialized", sequence: undefined, used: 0, erased: 0, free: 126 },
      { offset: 8192, state: "uninitialized", sequence: undefined, used: 0, erased: 0, free: 126 },
    ],
    problems: [],
  });
});

test("numbers of every type keep their sign and all their bits", () => {
  const bytes8 = (value: bigint) => new Uint8Array(new BigUint64Array([value]).buffer);
  const items = [
    NAMESPACE,
    item(1, NvsType.i8, "i8", Uint8Array.of(0x80)),
    item(1, NvsType.i16, "i16", Uint8Array.of(0xfe, 0xff)),
    item(1, NvsType.u32, "u32", Uint8Array.of(0xff, 0xff, 0xff, 0xff)),
    item(1, NvsType.i32, "i32", Uint8Array.of(0xff, 0xff, 0xff, 0xff)),
    item(1, NvsType.u64, "u64", bytes8(2n ** 64n - 1n)),
    item(1, NvsType.i64, "i64", bytes8(2n ** 64n - 1n)),
    item(1, NvsType.double, "double", new Uint8Array(new Float64Array([0.5]).buffer)),
  ];
  expect(values(partition(page({ items }))).map(([, , value]) => value)).toEqual([
    -128,
    -2,
    2 ** 32 - 1,
    -1,
    2n ** 64n - 1n,
    -1n,
    0.5,
  ]);
});

test("blobs of format version 1 are read", () => {
  const items = [NAMESPACE, item(1, NvsType.blob, "old", Uint8Array.of(1, 2, 3))];
  const bytes = partition(page({ items, version: 0xff }));
  expect(readNvsPartition(bytes).version).toBe(1);
  expect(values(bytes)).toEqual([["app:old", "blob", Uint8Array.of(1, 2, 3)]]);
});

test("hides a blob of version 1 behind one of version 2 under the same key, as nvs_get_blob does", () => {
  const older = page({ state: 0xfc, items: [NAMESPACE, item(1, NvsType.blob, "b", utf8("old"))], version: 0xff });
  const items = [
    item(1, NvsType.blobData, "b", utf8("new"), 0),
    item(1, NvsType.blobIndex, "b", index(3, 1)),
    item(1, NvsType.u8, "later", Uint8Array.of(1)),
  ];
  expect(values(partition(older, page({ sequence: 1, items })))).toEqual([
    ["app:b", "blob", utf8("new")],
    ["app:later", "u8", 1],
  ]);
});

test("joins a blob in chunks on two pages, also its second version", () => {
  const first = page({ state: 0xfc, items: [NAMESPACE, item(1, NvsType.blobData, "b", utf8("half "), 0x80)] });
  const items = [
    item(1, NvsType.blobData, "b", utf8("and half"), 0x81),
    item(1, NvsType.blobIndex, "b", index(13, 2, 0x80)),
  ];
  expect(values(partition(page({ sequence: 1, items }), first))).toEqual([["app:b", "blob", utf8("half and half")]]);
});

test.for([
  {
    what: "an entry whose state was not written",
    spec: {
      items: [NAMESPACE, item(1, NvsType.u8, "k", Uint8Array.of(1)), item(1, NvsType.u8, "k", Uint8Array.of(2))],
      states: { 2: NvsEntryState.empty },
    },
    found: [["app:k", "u8", 1]],
  },
  {
    what: "a value that was written before the old one was erased",
    spec: {
      items: [NAMESPACE, item(1, NvsType.u8, "k", Uint8Array.of(1)), item(1, NvsType.u8, "k", Uint8Array.of(2))],
    },
    found: [["app:k", "u8", 2]],
  },
  {
    what: "a string whose payload was not written",
    spec: { items: [NAMESPACE, item(1, NvsType.string, "k", text("secret"))], states: { 2: NvsEntryState.empty } },
    found: [],
  },
  {
    what: "a chunk without its index",
    spec: { items: [NAMESPACE, item(1, NvsType.blobData, "k", text("x"), 0)] },
    found: [],
  },
  {
    what: "an index without its chunk",
    spec: { items: [NAMESPACE, item(1, NvsType.blobIndex, "k", index(4, 1))] },
    found: [],
  },
])("$what is the effect of a power cut, which NVS repairs", ({ spec, found }) => {
  const bytes = partition(page(spec));
  expect(values(bytes)).toEqual(found);
  expect(new Set(codes(bytes))).toEqual(new Set(["nvs/interrupted"]));
});

test("replaces an older page's value of a key by the last item of the newest page", () => {
  const older = page({ state: 0xfc, items: [NAMESPACE, item(1, NvsType.u8, "k", Uint8Array.of(1))] });
  const newer = page({ sequence: 1, items: [item(1, NvsType.u8, "k", Uint8Array.of(2))] });
  expect(values(partition(older, newer))).toEqual([["app:k", "u8", 2]]);
  expect(codes(partition(older, newer))).toEqual(["nvs/interrupted"]);
});

test("drops the older of two indices of a blob only if the chunks form one blob, as a device does", () => {
  const older = page({ state: 0xfc, items: [NAMESPACE, item(1, NvsType.blobIndex, "b", index(3, 1))] });
  const items = [
    item(1, NvsType.blobData, "b", utf8("new"), 0),
    item(1, NvsType.blobIndex, "b", index(3, 1)),
    item(1, NvsType.u8, "later", Uint8Array.of(1)),
  ];
  const { entries, problems } = readNvsPartition(partition(older, page({ sequence: 1, items })));
  expect(entries.map(({ key, offset }) => [key, offset])).toEqual([
    ["b", NVS_PAGE_SIZE + 64 + 2 * 32],
    ["later", NVS_PAGE_SIZE + 64 + 3 * 32],
  ]);
  expect(problems).toMatchObject([{ code: "nvs/interrupted", offset: 64 + 32 }]);
});

test("counts the items of a page that is being freed, not their copies in the newest page", () => {
  const freeing = page({ state: 0xf8, items: [NAMESPACE, item(1, NvsType.u8, "k", Uint8Array.of(1))] });
  const copies = page({ sequence: 1, items: [NAMESPACE] });
  expect(values(partition(freeing, copies))).toEqual([["app:k", "u8", 1]]);
  expect(codes(partition(freeing, copies))).toEqual(["nvs/interrupted"]);
});

test("reports damage with its place, and reads the rest", () => {
  const bytes = partition(
    page({
      items: [
        NAMESPACE,
        item(1, NvsType.u8, "a", Uint8Array.of(1)),
        item(1, NvsType.string, "s", text("abc")),
        item(1, NvsType.u8, "b", Uint8Array.of(2)),
      ],
    }),
  );
  bytes[64 + 32 + 24] = 9; // value of a: its CRC is wrong now
  bytes[64 + 3 * 32] = 0x7a; // first letter of s
  expect(values(bytes)).toEqual([
    ["app:s", "string", undefined],
    ["app:b", "u8", 2],
  ]);
  expect(readNvsPartition(bytes).problems).toMatchObject([
    { code: "nvs/damaged", offset: 64 + 32 },
    { code: "nvs/damaged", offset: 64 + 2 * 32, message: "the string app:s is damaged: its CRC is wrong" },
  ]);
});

test("reports once that a partition is encrypted", () => {
  const bytes = partition(page({ items: [NAMESPACE, item(1, NvsType.u8, "a", Uint8Array.of(1))] }));
  for (let offset = 64; offset < 128; offset++) bytes[offset]! ^= 0x5a; // header and bitmap stay plain
  expect(codes(bytes)).toEqual(["nvs/encrypted"]);
});

test("reports a writable partition without a free page, but not the generator's read-only one", () => {
  const full = [0, 1, 2].map((sequence) => page({ sequence, items: [NAMESPACE] }));
  expect(codes(concatBytes(full))).toContain("nvs/no-free-page");
  expect(codes(full[0]!)).toEqual([]);
});

test("reports a page of a newer format", () => {
  expect(codes(partition(page({ items: [NAMESPACE], version: 0xfd })))).toEqual(["nvs/newer-version"]);
});

test("a value whose namespace has no name can't be read by any application", () => {
  const bytes = partition(page({ items: [item(7, NvsType.u8, "k", Uint8Array.of(1))] }));
  expect(values(bytes)).toEqual([["undefined:k", "u8", 1]]);
  expect(codes(bytes)).toEqual(["nvs/damaged"]);
});

const anyItem = fc.record({
  namespaceIndex: fc.integer({ min: 0, max: 2 }),
  type: fc.constantFrom(...Object.values(NvsType)),
  span: fc.integer({ min: 0, max: 4 }),
  chunkIndex: fc.constantFrom(0xff, 0x00, 0x01, 0x80),
  key: fc.constantFrom("a", "b", "fifteen_bytes_k").map((key) => nvsKeyFromText(key).bytes),
  data: fc.oneof(
    fc.uint8Array({ minLength: 8, maxLength: 8 }),
    fc.uint8Array({ maxLength: 64 }).map(buildNvsVariableData),
    fc.record({ sizeBytes: fc.nat(100), chunkCount: fc.nat(255), chunkStart: fc.nat(255) }).map(buildNvsBlobIndex),
  ),
});
const anyPage = fc
  .record({
    sequence: fc.nat(4),
    state: fc.constantFrom(0xfe, 0xfc, 0xf8, 0xff, 0x00),
    items: fc.array(anyItem.map(buildNvsEntry), { maxLength: 126 }),
    states: fc.dictionary(fc.nat(125).map(String), fc.constantFrom(...Object.values(NvsEntryState))),
    version: fc.constantFrom(0xfe, 0xff, 0xfd),
  })
  .map(page);

test("any bytes, and plausible pages of any content, give a result without an exception", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 5000 }),
    fc.array(anyPage, { maxLength: 3 }).map((pages) => concatBytes(pages)),
  );
  fc.assert(
    fc.property(bytes, (partitionBytes) => {
      const { pages, entries } = readNvsPartition(partitionBytes);
      expect(pages.length).toBe(Math.floor(partitionBytes.length / NVS_PAGE_SIZE));
      for (const { offset } of entries) expect(offset).toBeLessThan(partitionBytes.length);
    }),
    { numRuns: 300 },
  );
});
