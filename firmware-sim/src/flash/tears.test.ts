import { expect, test } from "vitest";
import { NorFlash } from "./nor-flash.ts";

function cut(flash: NorFlash, variant: string, act: () => unknown): void {
  flash.cutPowerAt({ operation: 1, moment: "during", variant, seed: 7 });
  expect(act).toThrow(variant);
}

test("writes all but the first bytes of a program", () => {
  const flash = new NorFlash(2 ** 20);
  cut(flash, "skips-first-2", () => flash.program(0, Uint8Array.of(1, 2, 3, 4)));
  expect(flash.truth(0, 4)).toEqual(Uint8Array.of(0xff, 0xff, 3, 4));
});

test("frees a tenth of the cells of an erase, and clears none", () => {
  const flash = new NorFlash(2 ** 20);
  flash.load(0, new Uint8Array(4096).fill(0x0f));
  cut(flash, "freed-10", () => flash.eraseSector(0));
  const cells = flash.truth(0, 4096);
  expect(cells.every((byte) => (byte & 0x0f) === 0x0f)).toBe(true);
  const freedCount = cells.reduce((count, byte) => count + [4, 5, 6, 7].filter((bit) => (byte >> bit) & 1).length, 0);
  expect(freedCount / (4 * 4096)).toBeCloseTo(0.1, 1);
});

test.for(["skips-first-0", "skips-first-1000", "freed-0", "freed-100", "freed-10 "])(
  "no tear is named %s",
  (variant) => {
    const flash = new NorFlash(2 ** 20);
    expect(() => flash.cutPowerAt({ operation: 1, moment: "during", variant })).toThrow(/name of a tear/);
  },
);
