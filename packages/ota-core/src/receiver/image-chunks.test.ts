import { beforeEach, expect, test } from "vitest";
import { imageIdOfBytes, releaseOf } from "../../test/bench-offer.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { buildChunk } from "../messages/chunk.ts";
import { buildHashList } from "../messages/hash-list.ts";
import { CHUNK_SIZE } from "../messages/timing.ts";
import { type ChunkAdmission, ImageChunks } from "./image-chunks.ts";

const IMAGE = buildAppImage({ chip: "esp32", version: "1.1.0", projectName: "bench", sizeBytes: 3 * CHUNK_SIZE + 512 });
const ID = imageIdOfBytes(IMAGE);
const HASHES = buildHashList(IMAGE);
const BLANK = new Uint8Array(CHUNK_SIZE);

let chunks: ImageChunks;

beforeEach(() => {
  chunks = new ImageChunks(releaseOf(IMAGE).image);
});

function bytesOf(index: number): Uint8Array {
  return IMAGE.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE);
}

function admit(index: number, bytes = bytesOf(index), image = ID, deflate = false): ChunkAdmission {
  return chunks.admit(buildChunk({ image, index, bytes, deflate }));
}

test("lacks every chunk at first", () => {
  expect(chunks.missing.ranges()).toEqual([[0, chunks.missing.size]]);
  expect(chunks.id).toBe(ID);
});

test("takes only the hash list that the release commits to", () => {
  expect(chunks.takeHashes("00".repeat(16), HASHES)).toBe("other-image");
  expect(chunks.takeHashes(ID, HASHES.slice(1))).toBe("malformed");
  expect(chunks.matches(1, bytesOf(1)), "no list yet").toBe(false);
  expect(chunks.takeHashes(ID, HASHES)).toBeUndefined();
  expect(chunks.matches(1, bytesOf(1))).toBe(true);
  expect(chunks.matches(2, bytesOf(1))).toBe(false);
});

test("admits a missing chunk, and says why it drops another message", () => {
  chunks.takeHashes(ID, HASHES);
  chunks.missing.delete(2);
  expect(admit(1)).toEqual({ kind: "admitted", chunk: { index: 1, bytes: bytesOf(1) } });
  expect(chunks.admit(BLANK)).toEqual({ kind: "dropped", reason: "malformed" });
  for (const [reason, admission] of [
    ["unsupported", admit(1, BLANK, ID, true)],
    ["other-image", admit(1, BLANK, "00".repeat(16))],
    ["out-of-range", admit(chunks.missing.size, BLANK)],
    ["duplicate", admit(2)],
    ["early", admit(0)],
    ["hash-mismatch", admit(1, BLANK)],
  ] as const) {
    expect(admission).toEqual({ kind: "dropped", reason });
  }
});

test("admits chunk 0 once no other is missing", () => {
  chunks.takeHashes(ID, HASHES);
  for (let index = 1; index < chunks.missing.size; index++) chunks.missing.delete(index);
  expect(admit(0).kind).toBe("admitted");
});

test("reads the last chunk up to the end of the image", () => {
  const index = chunks.missing.size - 1;
  const offset = index * CHUNK_SIZE;
  expect(chunks.read(index)).toEqual({ type: "read-flash", offset, length: IMAGE.length - offset });
});

test.for([
  ["nothing, if the flash can be trusted", false, true, []],
  ["the ends, if the flash can't be trusted", false, false, [0, 3]],
  ["everything, if the image was found to be wrong", true, true, [0, 1, 2, 3]],
] as const)("after a scan that found every chunk, lacks %s", ([, isRepeated, trustsFlash, missing]) => {
  chunks.missing.clear();
  chunks.endScan(isRepeated, trustsFlash);
  const all = Array.from({ length: chunks.missing.size }, (_, index) => index);
  expect(all.filter((index) => chunks.missing.has(index))).toEqual(missing);
});
