import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
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
