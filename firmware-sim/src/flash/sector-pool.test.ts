import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ContentCache } from "./content-cache.ts";
import { NorFlash } from "./nor-flash.ts";
import { SectorPool } from "./sector-pool.ts";
import { SECTOR_SIZE } from "./sector-store.ts";

const SIZE = 2 ** 20;

/** A sector of an image: pseudo-random bytes. */
function sector(seed: number): Uint8Array {
  return Uint8Array.from({ length: SECTOR_SIZE }, (_, index) => Math.imul(index + 1, seed) >>> 16);
}

test("returns the same array for equal sectors, and never another content", () => {
  const pool = new SectorPool();
  const base = sector(40_503);
  expect(pool.share(Buffer.from(base))).toBe(pool.share(base.slice()));
  fc.assert(
    fc.property(fc.array(fc.record({ at: fc.nat(SECTOR_SIZE - 1), byte: fc.nat(255) })), (changes) => {
      // Changes between the sampled bytes, so that different contents meet in a slot.
      for (const { at, byte } of changes) {
        base[at] = byte;
        const shared = pool.share(base);
        expect(shared).toEqual(base);
        expect(shared).not.toBe(base);
      }
    }),
  );
});

test("hashes a sector as it is, whether its content is known or not", () => {
  const pool = new SectorPool();
  for (const bytes of [sector(5), sector(6), sector(5), Buffer.from(sector(6))]) {
    expect(pool.sha256(bytes)).toEqual(new Uint8Array(createHash("sha256").update(bytes).digest()));
  }
  expect(pool.sha256(sector(5))).toBe(pool.sha256(sector(5)));
});

test("keeps the latest 4096 sectors", () => {
  const pool = new SectorPool();
  const contents = Array.from({ length: 4_097 }, (_, index) =>
    new Uint8Array(SECTOR_SIZE).fill(index).fill(index >> 8, 100),
  );
  const [first, ...others] = contents.map((content) => pool.share(content));
  expect(others.every((kept, index) => pool.share(contents[index + 1]!) === kept)).toBe(true);
  expect(pool.share(contents[0]!)).not.toBe(first);
});

test("identifies sectors that two devices programmed or were flashed with by their content", () => {
  const [left, right, flashed] = [new NorFlash(SIZE), new NorFlash(SIZE), new NorFlash(SIZE)];
  left.program(0, sector(3));
  right.program(SECTOR_SIZE, sector(3));
  flashed.load(0, sector(3));
  expect(right.sectorIdentity(1)).toBe(left.sectorIdentity(0));
  expect(flashed.sectorIdentity(0)).toBe(left.sectorIdentity(0));
  left.program(0, Uint8Array.of(0));
  expect(left.sectorIdentity(0)).not.toBe(right.sectorIdentity(1));
  expect(right.read(SECTOR_SIZE, SECTOR_SIZE)).toEqual(sector(3));
  expect(flashed.read(0, SECTOR_SIZE)).toEqual(sector(3));
});

test("identifies sectors that devices filled page by page by their content, also after one of them changes", () => {
  const flashes = Array.from({ length: 3 }, () => new NorFlash(SIZE));
  for (const flash of flashes) flash.program(0, sector(7).subarray(0, 700));
  const [left, right, other] = flashes as [NorFlash, NorFlash, NorFlash];
  expect(left.contentIdentity(0)).toBe(right.contentIdentity(0));
  const copy = left.snapshot();
  left.program(732, Uint8Array.of(1)); // a sampled byte: the pool keeps both contents
  expect(left.contentIdentity(0)).not.toBe(right.contentIdentity(0));
  for (const flash of [copy, right, other]) {
    expect(flash.contentIdentity(0)).toBe(right.contentIdentity(0));
    expect(flash.read(0, SECTOR_SIZE)).toEqual(
      new Uint8Array(SECTOR_SIZE).fill(0xff).map((ff, at) => (at < 700 ? sector(7)[at]! : ff)),
    );
  }
  expect(left.read(731, 3)).toEqual(Uint8Array.of(0xff, 1, 0xff));
});

test("notices a program that changes no byte by identity alone", () => {
  const [flash, equal] = [new NorFlash(SIZE), new NorFlash(SIZE)];
  for (const each of [flash, equal]) each.program(0, Uint8Array.of(1, 2, 3));
  const [identity, content] = [flash.sectorIdentity(0), equal.contentIdentity(0)];
  for (const each of [flash, equal]) each.program(0, Uint8Array.of(1));
  expect(flash.sectorIdentity(0)).not.toBe(identity);
  expect(equal.contentIdentity(0)).toBe(content);
});

test("a fleet computes a result over an image with a last sector that is not whole once", () => {
  const cache = new ContentCache();
  let computed = 0;
  for (let device = 0; device < 10; device++) {
    const flash = new NorFlash(SIZE);
    flash.rememberIn(cache);
    flash.program(0, sector(11));
    flash.program(SECTOR_SIZE, sector(12).subarray(0, 3_001));
    const length = flash.remember("image", (reader) => {
      computed++;
      return reader.read(0, SECTOR_SIZE + 3_001).length;
    });
    expect(length).toBe(SECTOR_SIZE + 3_001);
  }
  expect(computed).toBe(1);
});
