import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, viewOf } from "../bytes.ts";
import { isOtaError, OtaError } from "../errors.ts";
import { sha256 } from "../sha256.ts";
import { type AppImageParts, encodeAppImage, verifyAppImage } from "./app-image.ts";
import { type AppImageReport, createAppImageScanner, parseAppImage } from "./app-image-scanner.ts";
import { buildAppImage } from "./build-app-image.ts";

const word = fc.nat(0xffffffff);
const anyParts: fc.Arbitrary<AppImageParts> = fc.record({
  header: fc.record({
    spiMode: fc.nat(0xff),
    spiSpeed: fc.nat(15),
    spiSize: fc.nat(15),
    entryAddress: word,
    wpPin: fc.nat(0xff),
    spiPinDrive: fc.constant([0, 0, 0] as const),
    chipId: fc.nat(0xffff),
    minChipRevision: fc.nat(0xff),
    minChipRevisionFull: fc.nat(0xffff),
    maxChipRevisionFull: fc.nat(0xffff),
    reserved: word,
  }),
  segments: fc.array(
    fc.record({
      loadAddress: word,
      data: fc.uint8Array({ maxLength: 600 }).map((data) => data.slice(0, data.length - (data.length % 4))),
    }),
    { maxLength: 16 },
  ),
  hashAppended: fc.boolean(),
});

function scan(pieces: Iterable<Uint8Array>): AppImageReport {
  const scanner = createAppImageScanner();
  for (const piece of pieces) scanner.push(piece);
  return scanner.finish();
}

function* piecesOf(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  let offset = 0;
  for (let index = 0; offset < bytes.length; index++) {
    const size = sizes[index % sizes.length]!;
    yield bytes.subarray(offset, offset + size);
    offset += size;
  }
}

const image = buildAppImage({ version: "2.0.0", sizeBytes: 2048 });

test("a file in one piece is reported whole", () => {
  const report = scan([image]);
  expect(report).toEqual({ image: parseAppImage(image), fileSize: image.length, fileSha256: sha256(image) });
  verifyAppImage(report.image);
});

test("pieces of any size give the same report", () => {
  const file = concatBytes([image, new Uint8Array(300).fill(0xff)]);
  const whole = scan([file]);
  expect(whole.image.trailingSize).toBe(300);
  expect(whole.fileSha256).toEqual(sha256(file)); // what follows the image belongs to the file
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 20 }), (sizes) => {
      expect(scan(piecesOf(file, [...sizes, 1]))).toEqual(whole);
    }),
  );
});

test("every encoded image is parsed back to its parts", () => {
  fc.assert(
    fc.property(anyParts, fc.uint8Array({ maxLength: 50 }), (parts, trailing) => {
      const bytes = encodeAppImage(parts);
      let parsed: ReturnType<typeof parseAppImage>;
      try {
        parsed = parseAppImage(concatBytes([bytes, trailing]));
      } catch (error) {
        fc.pre(!isOtaError(error, "image/invalid")); // a segment that happens to begin with a broken descriptor
        throw error;
      }
      expect(parsed.header).toMatchObject({ ...parts.header, hashAppended: parts.hashAppended });
      expect(parsed).toMatchObject({ imageSize: bytes.length, trailingSize: trailing.length });
      const segments = parsed.segments.map(({ loadAddress, dataOffset, dataSize }) => {
        return { loadAddress, data: bytes.slice(dataOffset, dataOffset + dataSize) };
      });
      expect(segments).toEqual(parts.segments);
      verifyAppImage(parsed);
    }),
  );
});

test("any bytes give an image or an image/… error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400, size: "max" }), fc.nat(20), (bytes, segmentCount) => {
      if (segmentCount > 0) bytes.set([0xe9, segmentCount].slice(0, bytes.length)); // let most past the magic
      try {
        expect(parseAppImage(bytes).imageSize).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        if (!isOtaError(error)) throw error;
        expect(error.code).toMatch(/^image\/(truncated|bad-magic|invalid)$/);
      }
    }),
    { numRuns: 500 },
  );
});

test("an image cut anywhere is truncated, and the error says what it needed", () => {
  for (let size = 0; size < image.length; size++) {
    try {
      parseAppImage(image.subarray(0, size));
      expect.unreachable(`cut at ${size}`);
    } catch (error) {
      if (!isOtaError(error, "image/truncated")) throw error;
      expect(error.details.actual).toBe(size);
      expect(error.details.needed).toBeGreaterThan(size);
      expect(error.details.offset).toBeLessThanOrEqual(size);
    }
  }
});

test("the error of a cut image names the part it ended in", () => {
  const { segments, checksum } = parseAppImage(image);
  const messages = [0, 24, 40, segments[1]!.dataOffset, checksum.offset, checksum.offset + 2].map((size) => {
    try {
      return parseAppImage(image.subarray(0, size)).imageSize;
    } catch (error) {
      return error instanceof OtaError ? /inside (.+);/.exec(error.message)?.[1] : error;
    }
  });
  expect(messages).toEqual([
    "its header",
    "the header of segment 0",
    "the data of segment 0",
    "the data of segment 1",
    "the padding before its checksum",
    "its SHA-256",
  ]);
});

test("every flipped bit of an image is found", () => {
  const small = buildAppImage();
  const outcomes = new Map<string, number>();
  for (let bit = 0; bit < small.length * 8; bit++) {
    const flipped = Uint8Array.from(small);
    flipped[bit >>> 3]! ^= 1 << (bit & 7);
    let outcome = "none";
    try {
      verifyAppImage(parseAppImage(flipped));
      // Without its flag the hash is trailing bytes: the one bit that takes the protection away.
      if (bit === 23 * 8) outcome = "unprotected";
    } catch (error) {
      if (!isOtaError(error)) throw error;
      outcome = error.code;
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  expect(outcomes.get("none")).toBeUndefined();
  expect(outcomes.get("unprotected")).toBe(1);
  expect(outcomes.get("image/bad-magic")).toBe(8);
  expect(outcomes.get("image/checksum-mismatch")).toBeGreaterThan(2000);
  expect(outcomes.get("image/hash-mismatch")).toBeGreaterThan(200);
});

test("a wrong first byte is refused with the first piece", () => {
  const scanner = createAppImageScanner();
  expect(() => scanner.push(Uint8Array.of(0x7f))).toThrow(
    expect.objectContaining({ code: "image/bad-magic", details: { offset: 0, found: 0x7f, expected: 0xe9 } }),
  );
});

test("an empty file is truncated", () => {
  expect(() => createAppImageScanner().finish()).toThrow(
    expect.objectContaining({ code: "image/truncated", details: { offset: 0, needed: 24, actual: 0 } }),
  );
});

test("a segment count of 255 is refused as soon as the header is read", () => {
  const bytes = Uint8Array.from(image.subarray(0, 24));
  bytes[1] = 255;
  expect(() => createAppImageScanner().push(bytes)).toThrow(
    expect.objectContaining({ code: "image/invalid", details: { offset: 1 } }),
  );
});

test.for([
  { chip: "esp32", dataSize: 0x0000_0102, refused: true, why: "isn't a multiple of 4" },
  { chip: "esp32", dataSize: 0x0100_0000, refused: true, why: "reaches 16 MiB" },
  { chip: "esp32", dataSize: 0x00ff_fffc, refused: false, why: "is just below 16 MiB" },
  { chip: "esp32s3", dataSize: 0x0100_0000, refused: false, why: "reaches 16 MiB with 32-bit addresses" },
  { chip: "esp32s3", dataSize: 0xffff_ffff, refused: true, why: "has no sensible size" },
] as const)("a segment of an $chip that $why is refused: $refused", ({ chip, dataSize, refused }) => {
  const bytes = buildAppImage({ chip });
  viewOf(bytes).setUint32(28, dataSize, true);
  const code = refused ? "image/invalid" : "image/truncated";
  expect(() => parseAppImage(bytes)).toThrow(expect.objectContaining({ code }));
  if (refused) expect(() => parseAppImage(bytes)).toThrow(expect.objectContaining({ details: { offset: 28 } }));
});

test("an error about an image of an unknown chip hints at the ESP8266", () => {
  const bytes = Uint8Array.of(
    ...[0xe9, 0x04, 0x02, 0x20, 0x00, 0xf0, 0x10, 0x40], // ESP8266 header: magic, segments, mode, size, entry
    ...[0x00, 0xf0, 0x10, 0x40, 0x70, 0x05, 0x00, 0x00], // its first segment: load address, size
    ...new Uint8Array(64).fill(0x44), // code, read as our segment headers
  );
  expect(() => parseAppImage(bytes)).toThrow(
    expect.objectContaining({ code: "image/invalid", hint: expect.stringContaining("perhaps an ESP8266 image") }),
  );
});

test("an image larger than the scanner's memory is read in pieces", () => {
  const large = buildAppImage({ chip: "esp32s3", sizeBytes: 3 * 1024 * 1024 });
  const report = scan(piecesOf(large, [65_536]));
  verifyAppImage(report.image);
  expect(report).toMatchObject({ fileSize: large.length, image: { imageSize: large.length } });
  expect(report.fileSha256).toEqual(sha256(large));
});
