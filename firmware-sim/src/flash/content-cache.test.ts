import fc from "fast-check";
import { expect, test } from "vitest";
import { ContentCache } from "./content-cache.ts";
import { NorFlash } from "./nor-flash.ts";
import { SECTOR_SIZE } from "./sector-store.ts";

const SIZE = 2 ** 20;

/** The sum of the bytes of the first three sectors, and how often it was computed. */
function summing() {
  const counts = { computed: 0 };
  const sum = (flash: NorFlash): number =>
    flash.remember("sum", (reader) => {
      counts.computed++;
      let total = 0;
      reader.forEachSector(0, 3 * SECTOR_SIZE, (bytes) => {
        for (const byte of bytes) total += byte;
      });
      return total;
    });
  return { sum, counts };
}

function cachedFlash(): NorFlash {
  const flash = new NorFlash(SIZE);
  flash.rememberIn(new ContentCache());
  flash.load(0, new Uint8Array(SECTOR_SIZE).fill(7));
  return flash;
}

const BLANK_SUM = 2 * SECTOR_SIZE * 0xff;

test("returns a cached result for the flash and for a copy", () => {
  const flash = cachedFlash();
  const { sum, counts } = summing();
  expect(sum(flash)).toBe(7 * SECTOR_SIZE + BLANK_SUM);
  expect(sum(flash)).toBe(7 * SECTOR_SIZE + BLANK_SUM);
  expect(sum(flash.snapshot())).toBe(7 * SECTOR_SIZE + BLANK_SUM);
  expect(counts.computed).toBe(1);
});

test("detects a changed page in place and on a copy, and keeps the unchanged one", () => {
  const flash = cachedFlash();
  const { sum, counts } = summing();
  sum(flash);
  const copy = flash.snapshot();
  copy.program(SECTOR_SIZE, Uint8Array.of(0xfe));
  expect(sum(copy)).toBe(7 * SECTOR_SIZE + BLANK_SUM - 1);
  copy.program(SECTOR_SIZE, Uint8Array.of(0xfc)); // in place: nobody else has the sector
  expect(sum(copy)).toBe(7 * SECTOR_SIZE + BLANK_SUM - 3);
  expect(sum(flash)).toBe(7 * SECTOR_SIZE + BLANK_SUM);
  flash.program(0, Uint8Array.of(6)); // the original changes after the copy was made
  expect(sum(flash)).toBe(7 * SECTOR_SIZE + BLANK_SUM - 1);
  flash.eraseSector(0);
  expect(sum(flash)).toBe(SECTOR_SIZE * 0xff + BLANK_SUM);
  expect(counts.computed).toBe(5);
});

test("ignores sectors that were not read", () => {
  const flash = cachedFlash();
  const { sum, counts } = summing();
  sum(flash);
  flash.program(3 * SECTOR_SIZE, Uint8Array.of(0));
  sum(flash);
  expect(counts.computed).toBe(1);
});

test("does not cache reads of weak cells or of bits that read wrong", () => {
  const weak = cachedFlash();
  const { sum, counts } = summing();
  weak.cutPowerAt({ operation: 1, moment: "during", variant: "done-but-weak", seed: 1 });
  expect(() => weak.program(SECTOR_SIZE, Uint8Array.of(0))).toThrow();
  weak.powerOn();
  const sums = Array.from({ length: 14 }, () => sum(weak)); // weak cells hold for twelve reads at most
  expect(counts.computed).toBe(14);
  expect(new Set(sums).size).toBe(2);
  const flipping = cachedFlash();
  flipping.setFaults([{ type: "read-flip", offset: 0, bit: 0, read: 2 }]);
  expect([sum(flipping), sum(flipping)]).toEqual([7 * SECTOR_SIZE + BLANK_SUM, 7 * SECTOR_SIZE + BLANK_SUM - 1]);
});

test("records a violation for every read beyond the end", () => {
  const flash = cachedFlash();
  const beyond = () => flash.remember("beyond", (reader) => reader.read(SIZE - 1, 2).length);
  expect([beyond(), beyond()]).toEqual([0, 0]);
  expect(flash.violationCount).toBe(2);
});

test("does not cache without power, and computes everything without a cache", () => {
  const flash = cachedFlash();
  const { sum } = summing();
  sum(flash);
  flash.cutPowerAt({ operation: 1, moment: "before" });
  expect(() => flash.eraseSector(0)).toThrow();
  expect(() => sum(flash)).toThrow("power cut");
  const plain = new NorFlash(SIZE);
  const again = summing();
  expect([again.sum(plain), again.sum(plain)]).toEqual([3 * SECTOR_SIZE * 0xff, 3 * SECTOR_SIZE * 0xff]);
  expect(again.counts.computed).toBe(2);
});

test("returns what it would compute after any operations on a flash and its copies", () => {
  const step = fc.record({
    what: fc.constantFrom("program", "erase", "load", "fork", "tear"),
    on: fc.nat(3),
    sector: fc.nat(3),
    at: fc.nat(SECTOR_SIZE - 1),
    byte: fc.nat(255),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const flashes = [cachedFlash()];
      const { sum } = summing();
      for (const { what, on, sector, at, byte } of steps) {
        const flash = flashes[on % flashes.length]!;
        const offset = sector * SECTOR_SIZE + at;
        if (what === "program") flash.program(offset, Uint8Array.of(byte));
        else if (what === "erase") flash.eraseSector(sector * SECTOR_SIZE);
        else if (what === "load") flash.load(offset, Uint8Array.of(byte));
        else if (what === "fork" && flashes.length < 4) flashes.push(flash.snapshot());
        else if (what === "tear") {
          flash.cutPowerAt({ operation: 1, moment: "during", variant: "mix-50", seed: byte });
          expect(() => flash.eraseSector(sector * SECTOR_SIZE)).toThrow();
          flash.powerOn();
        }
        for (const each of flashes) {
          const truth = each.truth(0, 3 * SECTOR_SIZE).reduce((total, value) => total + value, 0);
          expect(sum(each)).toBe(truth);
        }
      }
    }),
    { numRuns: 60 },
  );
});
