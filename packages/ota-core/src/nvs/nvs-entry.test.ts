import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex, toHex, utf8 } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import {
  buildNvsBlobIndex,
  buildNvsEntry,
  buildNvsVariableData,
  isConsistentNvsEntry,
  NvsType,
  parseNvsBlobIndex,
  parseNvsEntry,
  parseNvsVariableData,
} from "./nvs-entry.ts";
import { hashNvsKey, hasNvsKey, nvsKeyFromBytes, nvsKeyFromText } from "./nvs-key.ts";
import { buildNvsPageHeader, parseNvsPageHeader } from "./nvs-page-header.ts";

const anyByte = fc.integer({ min: 0, max: 255 });
const anyEntry = fc.record({
  namespaceIndex: anyByte,
  type: anyByte,
  span: anyByte,
  chunkIndex: anyByte,
  key: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  data: fc.uint8Array({ minLength: 8, maxLength: 8 }),
});

/** An entry as it would stand in flash: `u32 seq` in namespace 1 without the changes. */
function entryWith(changes: Partial<Parameters<typeof buildNvsEntry>[0]>): Uint8Array {
  const data = Uint8Array.of(1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff);
  const key = nvsKeyFromText("seq").bytes;
  return buildNvsEntry({ namespaceIndex: 1, type: NvsType.u32, span: 1, chunkIndex: 0xff, key, data, ...changes });
}

function variableData(sizeBytes: number): Uint8Array {
  return buildNvsVariableData(new Uint8Array(sizeBytes));
}

test("the entries that Espressif's generator writes are built byte for byte", () => {
  const key = (text: string) => nvsKeyFromText(text).bytes;
  const namespace = { namespaceIndex: 0, type: NvsType.u8, span: 1, chunkIndex: 0xff, key: key("cfg") };
  expect(toHex(buildNvsEntry({ ...namespace, data: Uint8Array.of(1) }))).toBe(
    "000101ffb2ad75896366670000000000000000000000000001ffffffffffffff",
  );
  const string = { namespaceIndex: 1, type: NvsType.string, span: 2, chunkIndex: 0xff, key: key("name") };
  expect(toHex(buildNvsEntry({ ...string, data: buildNvsVariableData(utf8("abc\0")) }))).toBe(
    "012102ff50702ea76e616d650000000000000000000000000400ffffb348e679",
  );
  const index = { namespaceIndex: 1, type: NvsType.blobIndex, span: 1, chunkIndex: 0xff, key: key("blob") };
  expect(
    toHex(buildNvsEntry({ ...index, data: buildNvsBlobIndex({ sizeBytes: 4, chunkCount: 1, chunkStart: 0 }) })),
  ).toBe("014801ffa0f19ef8626c6f62000000000000000000000000040000000100ffff");
});

test("an entry that was built is parsed to the same fields", () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      expect(parseNvsEntry(buildNvsEntry(entry))).toEqual(entry);
    }),
  );
});

test("any 32 bytes at any place are consistent or not, without an exception", () => {
  const bytes = fc.oneof(fc.uint8Array({ minLength: 32, maxLength: 32 }), anyEntry.map(buildNvsEntry));
  fc.assert(
    fc.property(bytes, fc.integer({ min: 0, max: 125 }), (entry, index) => {
      expect(isConsistentNvsEntry(entry, index)).toBeTypeOf("boolean");
    }),
  );
});

test("one flipped bit anywhere makes an entry inconsistent", () => {
  for (let bit = 0; bit < 256; bit++) {
    const bytes = entryWith({});
    bytes[bit >>> 3]! ^= 1 << (bit & 7);
    expect(isConsistentNvsEntry(bytes, 0), `bit ${bit}`).toBe(false);
  }
});

test.for([
  { what: "a number", entry: {}, index: 125, consistent: true },
  { what: "a number with span 2", entry: { span: 2 }, index: 0, consistent: false },
  { what: "an unknown type", entry: { type: 0x03 }, index: 0, consistent: false },
  { what: "the type that only queries have", entry: { type: NvsType.any }, index: 0, consistent: false },
  { what: "a float", entry: { type: NvsType.float }, index: 0, consistent: true },
  {
    what: "a string of 33 bytes",
    entry: { type: NvsType.string, span: 3, data: variableData(33) },
    index: 123,
    consistent: true,
  },
  {
    what: "a string past the page's end",
    entry: { type: NvsType.string, span: 3, data: variableData(33) },
    index: 124,
    consistent: false,
  },
  {
    what: "a string with a wrong span",
    entry: { type: NvsType.string, span: 2, data: variableData(33) },
    index: 0,
    consistent: false,
  },
  {
    what: "a string of 65535 bytes",
    entry: { type: NvsType.string, span: 1, data: variableData(65_535) },
    index: 0,
    consistent: false,
  },
  {
    what: "an empty chunk",
    entry: { type: NvsType.blobData, chunkIndex: 0x80, data: variableData(0) },
    index: 0,
    consistent: true,
  },
  {
    what: "a chunk without an index",
    entry: { type: NvsType.blobData, data: variableData(0) },
    index: 0,
    consistent: false,
  },
  {
    what: "an index of 127 full chunks",
    entry: { type: NvsType.blobIndex, data: buildNvsBlobIndex({ sizeBytes: 508_000, chunkCount: 127, chunkStart: 0 }) },
    index: 0,
    consistent: true,
  },
  {
    what: "an index of more",
    entry: { type: NvsType.blobIndex, data: buildNvsBlobIndex({ sizeBytes: 508_001, chunkCount: 127, chunkStart: 0 }) },
    index: 0,
    consistent: false,
  },
  {
    what: "an index with a chunk number",
    entry: {
      type: NvsType.blobIndex,
      chunkIndex: 0,
      data: buildNvsBlobIndex({ sizeBytes: 0, chunkCount: 0, chunkStart: 0 }),
    },
    index: 0,
    consistent: false,
  },
])("$what at entry $index: consistent is $consistent", ({ entry, index, consistent }) => {
  expect(isConsistentNvsEntry(entryWith(entry), index)).toBe(consistent);
});

test("data fields of chunks and blob indices round-trip", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      anyByte,
      anyByte,
      fc.nat(508_000),
      (payload, chunkCount, chunkStart, sizeBytes) => {
        expect(parseNvsVariableData(buildNvsVariableData(payload))).toEqual({
          sizeBytes: payload.length,
          crc: crc32(payload, 0xffff_ffff),
        });
        const index = { sizeBytes, chunkCount, chunkStart };
        expect(parseNvsBlobIndex(buildNvsBlobIndex(index))).toEqual(index);
      },
    ),
  );
});

test("a key ends at its first NUL, and only 15 bytes of it count", () => {
  expect(nvsKeyFromText("boot\0loader")).toEqual(nvsKeyFromText("boot"));
  expect(nvsKeyFromText("abcdefghijklmnop")).toEqual({ bytes: utf8("abcdefghijklmno\0"), lengthBytes: 16 });
  const field = utf8("boot\0loaderxxxxx"); // what a writer left behind the NUL doesn't count
  expect(hasNvsKey(field, 0, nvsKeyFromText("boot"))).toBe(true);
  expect(hasNvsKey(field, 0, nvsKeyFromText("bootl"))).toBe(false);
  expect(hasNvsKey(field, 0, nvsKeyFromText("boo"))).toBe(false);
  expect(nvsKeyFromBytes(field)).toEqual(nvsKeyFromText("boot"));
});

test("the hash of an item is 24 bits of namespace, key and chunk", () => {
  const key = nvsKeyFromText("seq").bytes;
  const input = Uint8Array.of(1, ...key, 0xff);
  expect(hashNvsKey(1, key, 0xff)).toBe(crc32(input, 0xffff_ffff) & 0xff_ffff);
  expect(hashNvsKey(2, key, 0xff)).not.toBe(hashNvsKey(1, key, 0xff));
  expect(hashNvsKey(1, key, 0x80)).not.toBe(hashNvsKey(1, key, 0xff));
});

test("builds the header of the first page as Espressif's generator does", () => {
  const header = fromHex(`feffffff00000000fe${"ff".repeat(19)}842dbab9`)!;
  expect(buildNvsPageHeader(0, 0xfe)).toEqual(header);
  expect(parseNvsPageHeader(header)).toEqual({ state: "active", sequence: 0, version: 0xfe, crcMatches: true });
});

test("a header that was built is parsed to the same fields, and a changed state word leaves its CRC right", () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), anyByte, (sequence, version) => {
      const header = buildNvsPageHeader(sequence, version);
      expect(parseNvsPageHeader(header)).toEqual({ state: "active", sequence, version, crcMatches: true });
      header[0] = 0xf8;
      expect(parseNvsPageHeader(header)).toEqual({ state: "freeing", sequence, version, crcMatches: true });
      header[0] = 0xf0;
      expect(parseNvsPageHeader(header)).toEqual({ state: "corrupt", sequence, version, crcMatches: true });
      header[31]! ^= 1;
      expect(parseNvsPageHeader(header).crcMatches).toBe(false);
    }),
  );
});

test("any 32 bytes are a header", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      expect(parseNvsPageHeader(bytes).state).toBeOneOf(["uninitialized", "active", "full", "freeing", "corrupt"]);
    }),
  );
});
