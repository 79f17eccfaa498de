import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, toHex } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { sha256 } from "../sha256.ts";
import {
  buildHashList,
  chunkCountOf,
  chunkSizeAt,
  createHashListBuilder,
  HashList,
  parseHashList,
} from "./hash-list.ts";
import { CHUNK_SIZE } from "./timing.ts";

const image = fc.uint8Array({ maxLength: 3 * CHUNK_SIZE + 1, size: "max" });

function chunksOf(bytes: Uint8Array): Uint8Array[] {
  const count = chunkCountOf(bytes.length);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE));
}

test.for([
  [0, 0, []],
  [1, 1, [1]],
  [4096, 1, [4096]],
  [4097, 2, [4096, 1]],
  [12_287, 3, [4096, 4096, 4095]],
] as const)("an image of %i bytes has %i chunks, all but the last of a sector", ([sizeBytes, count, sizes]) => {
  expect(chunkCountOf(sizeBytes)).toBe(count);
  expect(sizes.map((_, index) => chunkSizeAt(index, sizeBytes))).toEqual(sizes);
  expect(chunkSizeAt(count, sizeBytes)).toBe(0);
  expect(chunkSizeAt(-1, sizeBytes)).toBe(0);
});

test("the list contains the first 16 bytes of each chunk's SHA-256, in order", () => {
  fc.assert(
    fc.property(image, (bytes) => {
      expect(buildHashList(bytes)).toEqual(concatBytes(chunksOf(bytes).map((chunk) => sha256(chunk).slice(0, 16))));
    }),
    { numRuns: 30 },
  );
});

test("the list does not depend on how the image is split into pieces", () => {
  fc.assert(
    fc.property(image, fc.array(fc.nat({ max: 2 * CHUNK_SIZE }), { maxLength: 8 }), (bytes, cuts) => {
      const builder = createHashListBuilder();
      let offset = 0;
      for (const size of cuts) {
        builder.push(bytes.subarray(offset, offset + size));
        offset += size;
      }
      builder.push(bytes.subarray(offset));
      expect(builder.finish()).toEqual(buildHashList(bytes));
    }),
    { numRuns: 50 },
  );
});

test("each chunk matches only at its own position, and not if changed, shortened or padded", () => {
  const bytes = Uint8Array.from({ length: 2 * CHUNK_SIZE + 5 }, (_, index) => (index * 7 + (index >> 8)) & 0xff);
  const list = new HashList(buildHashList(bytes), bytes.length);
  expect(list.count).toBe(3);
  for (const [index, chunk] of chunksOf(bytes).entries()) {
    expect([0, 1, 2].filter((place) => list.matches(place, chunk))).toEqual([index]);
    const flipped = chunk.slice();
    flipped[4] = (flipped[4] ?? 0) ^ 0x80;
    expect(list.matches(index, flipped)).toBe(false);
    expect(list.matches(index, chunk.subarray(1))).toBe(false);
    expect(list.matches(index, concatBytes([chunk, Uint8Array.of(0xff)]))).toBe(false);
  }
  for (const index of [-1, 0.5, 3, Number.NaN]) expect(list.matches(index, bytes.subarray(0, CHUNK_SIZE))).toBe(false);
});

test("accepts the list that the release states, and copies it", () => {
  const bytes = new Uint8Array(CHUNK_SIZE + 1).fill(0xa5);
  const payload = buildHashList(bytes);
  const list = parseHashList(payload, bytes.length, toHex(sha256(payload)).toUpperCase());
  payload.fill(0);
  expect(list.matches(1, Uint8Array.of(0xa5))).toBe(true);
  expect(list.bytes).toEqual(buildHashList(bytes));
});

test("a list of another length or another hash is refused", () => {
  const payload = buildHashList(new Uint8Array(CHUNK_SIZE + 1));
  const hash = toHex(sha256(payload));
  const malformed = (path: string) =>
    expect.objectContaining({ code: "protocol/malformed", details: { message: "hashes", path } });
  expect(() => parseHashList(payload, CHUNK_SIZE, hash)).toThrow(malformed("length"));
  expect(() => parseHashList(payload.subarray(1), CHUNK_SIZE + 1, hash)).toThrow(malformed("length"));
  payload[31] = (payload[31] ?? 0) ^ 1;
  expect(() => parseHashList(payload, CHUNK_SIZE + 1, hash)).toThrow(malformed("sha256"));
});

test("any bytes give the list that the release states, or an OtaError", () => {
  const size = fc.integer({ min: 1, max: 3 * CHUNK_SIZE });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 48 }), size, fc.boolean(), (payload, sizeBytes, committed) => {
      const expected = committed ? toHex(sha256(payload)) : "00".repeat(32);
      try {
        expect(parseHashList(payload, sizeBytes, expected).bytes).toEqual(payload);
        expect(committed).toBe(true);
      } catch (error) {
        if (!isOtaError(error, "protocol/malformed")) throw error;
      }
    }),
  );
});
