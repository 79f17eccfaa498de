import fc from "fast-check";
import { expect, test } from "vitest";
import { equalBytes } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { buildChunk, CHUNK_HEADER_SIZE, type Chunk, ChunkBuilder, parseChunk } from "./chunk.ts";
import { CHUNK_SIZE } from "./timing.ts";

const IMAGE = "00112233445566778899aabbccddeeff";

const parts = fc.record({
  image: fc.stringMatching(/^[0-9a-f]{32}$/),
  index: fc.nat({ max: 0xffff_ffff }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: CHUNK_SIZE }),
  deflate: fc.boolean(),
});

/** The chunk, or `undefined` where the message was refused with an `OtaError`. */
function tryParse(payload: Uint8Array): Chunk | undefined {
  try {
    return parseChunk(payload);
  } catch (error) {
    if (isOtaError(error, "protocol/malformed") || isOtaError(error, "protocol/too-large")) return undefined;
    throw error;
  }
}

test("a chunk message has the layout of the protocol", () => {
  const payload = buildChunk({
    image: IMAGE,
    index: 0x01020304,
    bytes: Uint8Array.of(0xaa, 0xbb, 0xcc),
    deflate: true,
  });
  expect(payload).toEqual(
    Uint8Array.of(
      ...[0x54, 0x42], // magic 0x4254
      0x01, // version
      0x01, // flags: DEFLATE
      ...[0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77], // first 8 bytes of the image's SHA-256
      ...[0x04, 0x03, 0x02, 0x01], // index
      ...[0x03, 0x00], // length
      ...[0x00, 0x00], // reserved
      ...[0xaa, 0xbb, 0xcc],
    ),
  );
});

test("every built chunk is parsed back to itself", () => {
  fc.assert(
    fc.property(parts, (chunk) => {
      expect(parseChunk(buildChunk(chunk))).toEqual({ ...chunk, image: chunk.image.slice(0, 16) });
    }),
  );
});

test("the data of a chunk is a view of the message at any offset of its buffer", () => {
  const payload = buildChunk({ image: IMAGE, index: 7, bytes: Uint8Array.of(1, 2, 3) });
  const socket = new Uint8Array(payload.length + 9);
  socket.set(payload, 5);
  const { bytes } = parseChunk(socket.subarray(5, 5 + payload.length));
  expect(bytes.buffer).toBe(socket.buffer);
  expect(bytes).toEqual(Uint8Array.of(1, 2, 3));
});

test("any bytes give a chunk that is built back to them, or an OtaError", () => {
  const header = fc.constantFrom([], [0x54, 0x42], [0x54, 0x42, 0x01, 0x00]);
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 64 }), (start, rest) => {
      const payload = Uint8Array.of(...start, ...rest);
      const chunk = tryParse(payload);
      if (chunk === undefined) return;
      expect(buildChunk({ ...chunk, image: chunk.image.padEnd(32, "0") })).toEqual(payload);
    }),
  );
});

test("every flipped bit of a header gives an error or another chunk", () => {
  fc.assert(
    fc.property(parts, fc.nat({ max: CHUNK_HEADER_SIZE * 8 - 1 }), (chunk, bit) => {
      const payload = buildChunk(chunk);
      const before = parseChunk(payload.slice());
      payload[bit >> 3] = (payload[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const after = tryParse(payload);
      if (after === undefined) return;
      const same = after.image === before.image && after.index === before.index && after.deflate === before.deflate;
      expect(same && equalBytes(after.bytes, before.bytes)).toBe(false);
    }),
    { numRuns: 1000 },
  );
});

test.for([
  ["magic", 0, 0x55, "chunk: magic is 0x4255; it must be 0x4254"],
  ["version", 2, 2, "chunk: version is 2; it must be 1"],
  ["flags", 3, 0x02, "chunk: flags are 0x2; only bit 0 may be set"],
  ["length", 16, 4, "chunk: length is 4; 3 bytes follow the header"],
  ["reserved", 19, 1, "chunk: the reserved field is 0x100; it must be 0"],
] as const)("a chunk with a wrong %s is refused by name", ([path, offset, value, message]) => {
  const payload = buildChunk({ image: IMAGE, index: 0, bytes: Uint8Array.of(1, 2, 3) });
  payload[offset] = value;
  expect(() => parseChunk(payload)).toThrow(
    expect.objectContaining({ code: "protocol/malformed", message, details: { message: "chunk", path } }),
  );
});

test("a header without data and a message beyond one sector are refused", () => {
  const payload = buildChunk({ image: IMAGE, index: 0, bytes: Uint8Array.of(1) });
  expect(() => parseChunk(payload.subarray(0, CHUNK_HEADER_SIZE))).toThrow("it must have more than 20");
  expect(() => parseChunk(new Uint8Array(CHUNK_HEADER_SIZE + CHUNK_SIZE + 1))).toThrow(
    expect.objectContaining({ code: "protocol/too-large", details: { message: "chunk", size: 4117, limit: 4116 } }),
  );
});

test("a chunk builder makes the same messages as buildChunk and never changes an earlier one", () => {
  const piece = fc.uint8Array({ minLength: 1, maxLength: CHUNK_SIZE });
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 40 }), (pieces) => {
      const builder = new ChunkBuilder(IMAGE);
      const built = pieces.map((bytes, index) => builder.build(index, bytes));
      expect(built).toEqual(pieces.map((bytes, index) => buildChunk({ image: IMAGE, index, bytes })));
    }),
    { numRuns: 20 },
  );
});
