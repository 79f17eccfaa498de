import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildAppImage } from "@tinybms/ota-core/esp";
import { afterAll, expect, test } from "vitest";
import { ImageBody, openImageFile } from "./image-body.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "tinybms-body-"));
// Three reads and a bit of the file.
const BYTES = buildAppImage({ version: "1.0.0", projectName: "gateway", sizeBytes: 800_000 });
const IMAGE = {
  path: join(FOLDER, "image.bin"),
  sizeBytes: BYTES.length,
  sha256: createHash("sha256").update(BYTES).digest("hex"),
};
writeFileSync(IMAGE.path, BYTES);

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const FRAME = { head: new Uint8Array([1, 2, 3]), tail: new Uint8Array([4]) };

async function withFile<T>(use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await openImageFile(IMAGE);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** The pieces themselves, not copies of them. */
async function piecesOf(file: FileHandle, isDrained: boolean): Promise<Uint8Array[]> {
  const body = new ImageBody(file, IMAGE, FRAME, () => {});
  body.takenBy({ onTaken: () => {}, isDrained: () => isDrained });
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece as Uint8Array);
  return pieces;
}

test("a body consists of head, image and tail, with the stated length", async () => {
  await withFile(async (file) => {
    const body = new ImageBody(file, IMAGE, FRAME, () => {});
    const copies: Uint8Array[] = [];
    expect(body.isHandedOver).toBe(false);
    for await (const piece of body) copies.push(Uint8Array.from(piece as Uint8Array));
    const whole = Buffer.concat(copies);
    expect(Buffer.concat([FRAME.head, BYTES, FRAME.tail]).equals(whole)).toBe(true);
    expect(body.lengthBytes).toBe(whole.length);
    expect(body.isHandedOver).toBe(true);
  });
});

test("pieces that a connection has not sent yet are not written over", async () => {
  const pieces = await withFile((file) => piecesOf(file, false));
  expect(Buffer.concat(pieces).subarray(3, -1).equals(BYTES)).toBe(true);
});

test("a connection that sent what it took gets pieces of one buffer", async () => {
  const pieces = await withFile((file) => piecesOf(file, true));
  const buffers = new Set(pieces.slice(1, -1).map((piece) => piece.buffer));
  expect([buffers.size, pieces.length > 10]).toEqual([1, true]);
});

test("progress goes from nothing to the whole image", async () => {
  const sent: number[] = [];
  await withFile(async (file) => {
    for await (const _ of new ImageBody(file, IMAGE, FRAME, (bytes) => sent.push(bytes)));
  });
  expect([sent[0], sent.at(-1)]).toEqual([0, IMAGE.sizeBytes]);
  expect(sent).toEqual([...sent].sort((a, b) => a - b));
});

test("never sends the end of an image with a wrong hash", async () => {
  let bytes = 0;
  const read = withFile(async (file) => {
    const body = new ImageBody(file, { ...IMAGE, sha256: "00".repeat(32) }, FRAME, () => {});
    for await (const piece of body) bytes += (piece as Uint8Array).length;
  });
  await expect(read).rejects.toMatchObject({ code: "delivery/image-mismatch", details: { actual: IMAGE.sha256 } });
  expect(bytes).toBeLessThan(IMAGE.sizeBytes);
});
