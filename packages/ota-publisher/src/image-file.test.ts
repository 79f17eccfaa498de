import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildHashList, CHUNK_SIZE, concatBytes, sha256, toHex } from "@tinybms/ota-core";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openArtifact, openImage, readWhole } from "./image-file.ts";

const IMAGE = buildAppImage({ chip: "esp32c3", projectName: "gateway", secureVersion: 3, sizeBytes: 10_000 });
const ARTIFACT = { file: "ota.json", name: "gateway" };

let folder = "";
let path = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-image-"));
  path = join(folder, "gateway.bin");
  writeFileSync(path, IMAGE);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("measures an image as it is in the file", () => {
  const image = openImage(path, ARTIFACT);
  expect(image).toMatchObject({
    path,
    sizeBytes: IMAGE.length,
    sha256: toHex(sha256(IMAGE)),
    hashList: buildHashList(IMAGE),
    chipId: 5,
    secureVersion: 3,
    projectName: "gateway",
  });
  image.close();
});

test("reads the chunks of the opened file, also after another file replaced it", () => {
  const image = openImage(path, ARTIFACT);
  rmSync(path);
  writeFileSync(path, "another");
  const chunks = [2, 0, 1].map((index) => [index, image.readChunk(index)] as const);
  expect(concatBytes(chunks.toSorted(([left], [right]) => left - right).map(([, bytes]) => bytes))).toEqual(IMAGE);
  expect(image.readChunk(2).length).toBe(IMAGE.length - 2 * CHUNK_SIZE);
  image.close();
});

test("reports a file that became shorter, and sends no short chunk", () => {
  const image = openImage(path, ARTIFACT);
  truncateSync(path, CHUNK_SIZE + 1);
  expect(image.readChunk(0).length).toBe(CHUNK_SIZE);
  expect(() => image.readChunk(1)).toThrow(
    expect.objectContaining({
      code: "image/truncated",
      details: { offset: CHUNK_SIZE, needed: CHUNK_SIZE, actual: 1 },
    }),
  );
  image.close();
});

test("reports a file that changed in place since it was measured, by chunk and as a whole", () => {
  const image = openImage(path, ARTIFACT);
  const changed = IMAGE.slice();
  changed[CHUNK_SIZE] = IMAGE[CHUNK_SIZE]! ^ 1;
  writeFileSync(path, changed);
  expect(image.readChunk(0)).toEqual(IMAGE.subarray(0, CHUNK_SIZE));
  const mismatch = expect.objectContaining({
    code: "delivery/image-mismatch",
    message: expect.stringContaining(`${path} changed during its delivery`),
  });
  expect(() => image.readChunk(1)).toThrow(mismatch);
  expect(() => readWhole(image)).toThrow(mismatch);
  writeFileSync(path, IMAGE);
  expect(readWhole(image)).toEqual(IMAGE);
  image.close();
});

test.for([
  ["cut off", IMAGE.slice(0, 9_000), "image/truncated"],
  ["damaged", IMAGE.map((byte, index) => (index === 5_000 ? byte ^ 1 : byte)), "image/checksum-mismatch"],
  ["followed by a byte", concatBytes([IMAGE, new Uint8Array(1)]), "image/invalid"],
  [
    "followed by a sector that is no signature",
    concatBytes([IMAGE, new Uint8Array(12288 - IMAGE.length + 4096)]),
    "image/invalid",
  ],
] as const)("an image that is %s is refused, with its file's name", ([, bytes, code]) => {
  writeFileSync(path, bytes);
  expect(() => openImage(path, ARTIFACT)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(path) }),
  );
});

test("reports a missing file with its artifact", () => {
  rmSync(path);
  expect(() => openImage(path, ARTIFACT)).toThrow(
    expect.objectContaining({
      code: "manifest/artifact-not-found",
      details: { file: "ota.json", artifact: "gateway", path },
    }),
  );
});

test("delivers any kind of file as a whole, and says if it is not an app image", () => {
  const image = openArtifact(path, ARTIFACT);
  expect(image).toMatchObject({ sizeBytes: IMAGE.length, sha256: toHex(sha256(IMAGE)) });
  expect(image.warnings()).toEqual([]);
  const tail = new Uint8Array(10);
  image.readAt(tail, IMAGE.length - 10);
  expect(tail).toEqual(IMAGE.slice(-10));
  expect(() => image.readAt(new Uint8Array(11), IMAGE.length - 10)).toThrow(
    expect.objectContaining({ code: "image/truncated" }),
  );
  image.close();
  const bytes = new Uint8Array(700_000).fill(7);
  writeFileSync(path, bytes);
  const other = openArtifact(path, ARTIFACT);
  expect(other).toMatchObject({ sizeBytes: bytes.length, sha256: toHex(sha256(bytes)) });
  expect(other.warnings()).toEqual([expect.stringMatching(/is not an app image .* it is sent as it is$/)]);
  other.close();
});

test("delivers a damaged app image by no transport", () => {
  writeFileSync(path, IMAGE.slice(0, 9_000));
  const file = openArtifact(path, ARTIFACT);
  expect(() => file.warnings()).toThrow(expect.objectContaining({ code: "image/truncated" }));
  expect(() => file.image()).toThrow(expect.objectContaining({ code: "image/truncated" }));
  file.close();
});

test.for([
  ["another size", { size: IMAGE.length + 1, sha256: toHex(sha256(IMAGE)) }, "size"],
  ["another hash", { size: IMAGE.length, sha256: "00".repeat(32) }, "SHA-256"],
] as const)("reports that a file is %s than in the manifest before it checks the image", ([, expected, what]) => {
  writeFileSync(
    path,
    IMAGE.map((byte, index) => (index === 5_000 ? byte ^ 1 : byte)),
  );
  for (const open of [openImage, openArtifact]) {
    expect(() => open(path, { ...ARTIFACT, expected })).toThrow(
      expect.objectContaining({ code: "manifest/artifact-mismatch", message: expect.stringContaining(what) }),
    );
  }
});

test("a folder is no artifact", () => {
  expect(() => openArtifact(folder, ARTIFACT)).toThrow(
    expect.objectContaining({ code: "manifest/artifact-not-found", message: expect.stringContaining("a folder") }),
  );
});
