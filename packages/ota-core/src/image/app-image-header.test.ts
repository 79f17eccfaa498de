import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex, toHex } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import {
  type AppImageHeader,
  buildAppImageHeader,
  parseAppImageHeader,
  parseSegmentHeader,
} from "./app-image-header.ts";

const byte = fc.nat(0xff);
const anyHeader: fc.Arbitrary<AppImageHeader> = fc.record({
  magic: fc.constant(0xe9),
  segmentCount: byte,
  spiMode: byte,
  spiSpeed: fc.nat(15),
  spiSize: fc.nat(15),
  entryAddress: fc.nat(0xffffffff),
  wpPin: byte,
  spiPinDrive: fc.tuple(byte, byte, byte),
  chipId: fc.nat(0xffff),
  minChipRevision: byte,
  minChipRevisionFull: fc.nat(0xffff),
  maxChipRevisionFull: fc.nat(0xffff),
  reserved: fc.nat(0xffffffff),
  hashAppended: fc.boolean(),
});

const header: AppImageHeader = {
  magic: 0xe9,
  segmentCount: 5,
  spiMode: 2,
  spiSpeed: 15,
  spiSize: 3,
  entryAddress: 0x40080400,
  wpPin: 0xee,
  spiPinDrive: [1, 2, 3],
  chipId: 9,
  minChipRevision: 1,
  minChipRevisionFull: 2,
  maxChipRevisionFull: 399,
  reserved: 0x04030201,
  hashAppended: true,
};

test("a header has ESP-IDF's layout, with its unaligned revisions", () => {
  const hex = [
    "e9 05 02 3f", // magic, segment_count, spi_mode, spi_size 8 MB and spi_speed 1/1
    "00040840", // entry_addr
    "ee 010203", // wp_pin, spi_pin_drv
    "0900 01 0200 8f01", // chip_id, min_chip_rev, min_chip_rev_full 2, max_chip_rev_full 399
    "01020304 01", // reserved, hash_appended
  ].join("");
  const bytes = fromHex(hex.replaceAll(" ", ""))!;
  expect(parseAppImageHeader(bytes)).toEqual(header);
  expect(toHex(buildAppImageHeader(header))).toBe(toHex(bytes));
});

test("every header is parsed back to itself", () => {
  fc.assert(
    fc.property(anyHeader, (value) => {
      expect(parseAppImageHeader(buildAppImageHeader(value))).toEqual(value);
    }),
  );
});

test("any bytes give a header or an image/… error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (bytes, hasMagic) => {
      if (hasMagic) bytes[0] = 0xe9;
      try {
        expect(parseAppImageHeader(bytes).magic).toBe(0xe9);
      } catch (error) {
        if (!isOtaError(error)) throw error;
        expect(error.code).toBe(bytes.length < 24 ? "image/truncated" : "image/bad-magic");
      }
    }),
  );
});

test("every bit of a header except hash_appended survives parsing and building", () => {
  const bytes = buildAppImageHeader(header);
  for (let bit = 8; bit < 184; bit++) {
    const flipped = Uint8Array.from(bytes);
    flipped[bit >>> 3]! ^= 1 << (bit & 7);
    expect(buildAppImageHeader(parseAppImageHeader(flipped)), `bit ${bit}`).toEqual(flipped);
  }
});

test("any hash_appended other than zero means that there is a hash", () => {
  const bytes = buildAppImageHeader(header);
  bytes[23] = 0x80;
  expect(parseAppImageHeader(bytes).hashAppended).toBe(true);
});

test("erased flash is not an image, and the error names it", () => {
  expect(() => parseAppImageHeader(new Uint8Array(24).fill(0xff))).toThrow(
    expect.objectContaining({
      code: "image/bad-magic",
      message: "the image begins with 0xff, as erased flash does; it must begin with 0xe9",
      details: { offset: 0, found: 0xff, expected: 0xe9 },
    }),
  );
});

test.for([
  { spiSpeed: 16 },
  { entryAddress: -1 },
  { chipId: 0x10000 },
  { segmentCount: 256 },
  { spiPinDrive: [0, 0, 300] as const },
  { maxChipRevisionFull: 0.5 },
])("a header is not built with %j", (wrong) => {
  expect(() => buildAppImageHeader({ ...header, ...wrong })).toThrow(
    expect.objectContaining({ code: "image/invalid" }),
  );
});

test("a segment header is a load address and a size", () => {
  expect(parseSegmentHeader(fromHex("2000403f00010000")!)).toEqual({ loadAddress: 0x3f400020, dataSize: 256 });
  for (let size = 0; size < 8; size++) {
    expect(() => parseSegmentHeader(new Uint8Array(size))).toThrow(
      expect.objectContaining({ code: "image/truncated" }),
    );
  }
});
