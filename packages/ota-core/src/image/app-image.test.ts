import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, toHex, utf8 } from "../bytes.ts";
import { sha256 } from "../sha256.ts";
import { buildAppDescriptor, parseAppDescriptor } from "./app-descriptor.ts";
import {
  type AppImageParts,
  assertAppImage,
  checksumPaddingSize,
  encodeAppImage,
  verifyAppImage,
  xorBytes,
} from "./app-image.ts";
import { parseAppImage } from "./app-image-scanner.ts";

const header: AppImageParts["header"] = {
  spiMode: 2,
  spiSpeed: 0,
  spiSize: 2,
  entryAddress: 0x40080400,
  wpPin: 0xee,
  spiPinDrive: [0, 0, 0],
  chipId: 0,
  minChipRevision: 0,
  minChipRevisionFull: 0,
  maxChipRevisionFull: 399,
  reserved: 0,
};

/** A descriptor with three texts and nothing else but block revisions and the MMU page. */
const descriptor = buildAppDescriptor({
  ...parseAppDescriptor(concatBytes([Uint8Array.of(0x32, 0x54, 0xcd, 0xab), new Uint8Array(252)])),
  version: "1.0.0",
  projectName: "sim",
  idfVersion: "v6.2",
  maxEfuseBlockRevision: 199,
  mmuPageSize: 16,
});

const minimal = encodeAppImage({
  header,
  segments: [{ loadAddress: 0x3f400020, data: descriptor }],
  hashAppended: true,
});

/** An image without an app descriptor. */
function bare(chipId: number, data: Uint8Array = utf8("no descriptor..."), hashAppended = true): Uint8Array {
  return encodeAppImage({ header: { ...header, chipId }, segments: [{ loadAddress: 0x3ffe8000, data }], hashAppended });
}

test("the minimal ESP32 app is built byte for byte", () => {
  expect(minimal).toHaveLength(336);
  expect(toHex(minimal.subarray(0, 24))).toBe(
    "e9010220" + "00040840" + "ee000000" + "0000" + "00" + "0000" + "8f01" + "00000000" + "01",
  );
  expect(toHex(minimal.subarray(24, 36))).toBe("2000403f" + "00010000" + "3254cdab");
  expect(minimal[303]).toBe(0x22);
  expect(toHex(minimal.subarray(304))).toBe("c7b14a798cb8c3f02b717b496e8aedcd15a059bda1c073df1897c94802a9e372");
  expect(toHex(sha256(minimal.subarray(0, 304)))).toBe(toHex(minimal.subarray(304)));
});

test("the minimal ESP32 app is parsed and verified", () => {
  const image = parseAppImage(minimal);
  expect(image).toMatchObject({
    segments: [{ loadAddress: 0x3f400020, dataOffset: 32, dataSize: 256 }],
    checksum: { offset: 303, stored: 0x22, computed: 0x22 },
    appendedHash: { offset: 304 },
    imageSize: 336,
    descriptor: { version: "1.0.0", projectName: "sim", idfVersion: "v6.2" },
    trailingSize: 0,
  });
  verifyAppImage(image);
  assertAppImage(image);
});

test("an image without segments has the initial checksum", () => {
  const image = encodeAppImage({ header, segments: [], hashAppended: false });
  expect(image).toHaveLength(32);
  expect(image[31]).toBe(0xef);
  verifyAppImage(parseAppImage(image));
});

test.for([
  [0, 16],
  [1, 15],
  [15, 1],
  [16, 16],
  [288, 16],
  [292, 12],
] as const)("after %i bytes the checksum takes a block of %i", ([size, padding]) => {
  expect(checksumPaddingSize(size)).toBe(padding);
});

test("the checksum is the XOR of all bytes", () => {
  expect(xorBytes(0xef, Uint8Array.of(0x01, 0x10, 0xff))).toBe(0xef ^ 0x01 ^ 0x10 ^ 0xff);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 8 }), (bytes, start) => {
      const piece = bytes.subarray(start);
      expect(xorBytes(0xef, piece)).toBe(piece.reduce((sum, byte) => sum ^ byte, 0xef));
    }),
  );
});

test("a changed byte of a segment is a checksum mismatch", () => {
  const changed = Uint8Array.from(minimal);
  changed[200]! ^= 0x40;
  const image = parseAppImage(changed);
  expect(image.checksum).toEqual({ offset: 303, stored: 0x22, computed: 0x62 });
  expect(() => verifyAppImage(image)).toThrow(
    expect.objectContaining({
      code: "image/checksum-mismatch",
      message: "the checksum at 303 is 0x22, but the segments sum to 0x62",
      details: { offset: 303, expected: 0x22, actual: 0x62 },
    }),
  );
});

test("two changes that the checksum can't see are a hash mismatch", () => {
  const changed = Uint8Array.from(minimal);
  changed[200]! ^= 0x40;
  changed[201]! ^= 0x40;
  const image = parseAppImage(changed);
  expect(image.checksum.computed).toBe(0x22);
  expect(() => verifyAppImage(image)).toThrow(
    expect.objectContaining({
      code: "image/hash-mismatch",
      details: {
        offset: 304,
        expected: toHex(minimal.subarray(304)),
        actual: toHex(sha256(changed.subarray(0, 304))),
      },
    }),
  );
});

test("without an appended hash only the checksum protects an image", () => {
  const image = bare(0, undefined, false);
  image[32]! ^= 0x40;
  image[33]! ^= 0x40;
  const parsed = parseAppImage(image);
  expect(parsed.appendedHash).toBeUndefined();
  verifyAppImage(parsed);
});

test("the padding before the checksum is hashed and may contain any bytes", () => {
  const changed = Uint8Array.from(minimal);
  changed[295] = 1;
  expect(() => verifyAppImage(parseAppImage(changed))).toThrow(
    expect.objectContaining({ code: "image/hash-mismatch" }),
  );
});

test("treats an image of a known chip without an app descriptor as a bootloader", () => {
  const image = parseAppImage(bare(0));
  expect(image.descriptor).toBeUndefined();
  expect(() => assertAppImage(image)).toThrow(
    expect.objectContaining({
      code: "image/invalid",
      message: "no app descriptor at 0x20, so this is a bootloader, or an image of another kind",
      details: { offset: 32 },
    }),
  );
});

test("says that an image of an unknown chip without an app descriptor may be for an ESP8266", () => {
  const message =
    "and no chip of the ESP32 family has id 0x4020: perhaps an ESP8266 image, which also begins with 0xe9";
  expect(() => assertAppImage(parseAppImage(bare(0x4020)))).toThrow(message);
});

test("a first segment shorter than an app descriptor contains none", () => {
  expect(parseAppImage(bare(0, descriptor.subarray(0, 252))).descriptor).toBeUndefined();
});

test("an app descriptor is recognized only in the first segment", () => {
  const segments = [
    { loadAddress: 0x3ffb0000, data: new Uint8Array(4) },
    { loadAddress: 0x3f400020, data: descriptor },
  ];
  expect(parseAppImage(encodeAppImage({ header, segments, hashAppended: true })).descriptor).toBeUndefined();
});

test("a descriptor whose text isn't UTF-8 is refused with its offset in the image", () => {
  const data = Uint8Array.from(descriptor);
  data[16] = 0xff; // first byte of version
  expect(() => parseAppImage(bare(0, data))).toThrow(
    expect.objectContaining({ code: "image/invalid", details: { offset: 48 } }),
  );
});

test.for([
  { why: "17 segments", segments: Array.from({ length: 17 }, () => ({ loadAddress: 0, data: new Uint8Array(4) })) },
  { why: "a segment of 5 bytes", segments: [{ loadAddress: 0, data: new Uint8Array(5) }] },
  { why: "a negative load address", segments: [{ loadAddress: -1, data: new Uint8Array(4) }] },
])("does not encode an image with $why", ({ segments }) => {
  expect(() => encodeAppImage({ header, segments, hashAppended: true })).toThrow(
    expect.objectContaining({ code: "image/invalid" }),
  );
});
