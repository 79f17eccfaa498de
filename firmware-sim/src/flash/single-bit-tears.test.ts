import { expect, test } from "vitest";
import { NorFlash } from "./nor-flash.ts";
import { freedBitVariants, missedBitVariants } from "./single-bit-tears.ts";

const RECORD = Uint8Array.of(0x0f, 0xff, 0xfe);

function cut(flash: NorFlash, variant: string, act: () => unknown): void {
  flash.cutPowerAt({ operation: 1, moment: "during", variant });
  expect(act).toThrow(variant);
}

test("leaves out exactly the named bit of a program", () => {
  const variants = missedBitVariants(RECORD);
  expect(variants).toEqual(["all-but-bit-4", "all-but-bit-5", "all-but-bit-6", "all-but-bit-7", "all-but-bit-16"]);
  const left = variants.map((variant) => {
    const flash = new NorFlash(2 ** 20);
    cut(flash, variant, () => flash.program(0x1020, RECORD));
    return [...flash.truth(0x1020, 3)];
  });
  expect(left).toEqual([
    [0x1f, 0xff, 0xfe],
    [0x2f, 0xff, 0xfe],
    [0x4f, 0xff, 0xfe],
    [0x8f, 0xff, 0xfe],
    [0x0f, 0xff, 0xff],
  ]);
});

test("does not affect a bit that was already 0", () => {
  const flash = new NorFlash(2 ** 20);
  flash.load(0, Uint8Array.of(0x0f));
  cut(flash, "all-but-bit-4", () => flash.program(0, Uint8Array.of(0x07)));
  expect(flash.truth(0, 1)).toEqual(Uint8Array.of(0x07));
});

test("frees only the named bit of an erase", () => {
  const variants = freedBitVariants(RECORD);
  expect(variants).toEqual(["only-bit-4", "only-bit-5", "only-bit-6", "only-bit-7", "only-bit-16"]);
  const flash = new NorFlash(2 ** 20);
  flash.load(0x1000, RECORD);
  flash.load(0x1800, RECORD);
  cut(flash, "only-bit-16", () => flash.eraseSector(0x1000));
  expect(flash.truth(0x1000, 3)).toEqual(Uint8Array.of(0x0f, 0xff, 0xff));
  expect(flash.truth(0x1800, 3)).toEqual(RECORD);
});

test("belongs to one kind of operation", () => {
  const flash = new NorFlash(2 ** 20);
  const refused = expect.objectContaining({ code: "simulation/invalid-fault" });
  flash.cutPowerAt({ operation: 1, moment: "during", variant: "only-bit-3" });
  expect(() => flash.program(0, RECORD)).toThrow(refused);
  flash.cutPowerAt({ operation: 1, moment: "during", variant: "all-but-bit-3" });
  expect(() => flash.eraseSector(0)).toThrow(refused);
  expect(() => flash.cutPowerAt({ operation: 1, moment: "during", variant: "all-but-bit-x" })).toThrow(refused);
});
