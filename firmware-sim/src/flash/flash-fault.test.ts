import { expect, test } from "vitest";
import type { FlashFault } from "./flash-fault.ts";
import { NorFlash } from "./nor-flash.ts";

const MIB = 2 ** 20;

function flashWith(...faults: readonly FlashFault[]): NorFlash {
  const flash = new NorFlash(MIB);
  flash.load(0x1000, new Uint8Array(4096).fill(0xa5));
  flash.setFaults(faults);
  return flash;
}

test("reports an erase that fails, and changes nothing", () => {
  const flash = flashWith({ type: "erase-fails", sectorIndex: 1 });
  expect(flash.eraseRange(0, 0x3000)).toBe(false);
  expect(flash.truth(0x1000, 1)).toEqual(Uint8Array.of(0xa5));
  expect(flash.counters.sectorErases).toBe(2); // sector 2 is not reached
  expect(flash.busyMs).toBe(90);
});

test("reports success for an erase that is ignored", () => {
  const flash = flashWith({ type: "erase-ignored", sectorIndex: 1, from: 2 });
  expect(flash.eraseSector(0x1000)).toBe(true);
  expect(flash.truth(0x1000, 1)).toEqual(Uint8Array.of(0xff));
  flash.program(0x1000, Uint8Array.of(0x12));
  expect(flash.eraseSector(0x1000)).toBe(true);
  expect(flash.truth(0x1000, 1)).toEqual(Uint8Array.of(0x12));
});

test("stops at the page whose program fails", () => {
  const flash = flashWith({ type: "program-fails", sectorIndex: 2, from: 2 });
  expect(flash.program(0x2000, new Uint8Array(768))).toBe(false);
  expect([0x2000, 0x2100, 0x2200].map((offset) => flash.truth(offset, 1)[0])).toEqual([0, 0xff, 0xff]);
  expect(flash.counters.bytesProgrammed).toBe(256);
});

test("reports success for a program that is ignored or fades", () => {
  const ignored = flashWith({ type: "program-ignored", sectorIndex: 2 });
  expect(ignored.program(0x2000, Uint8Array.of(0))).toBe(true);
  expect(ignored.read(0x2000, 1)).toEqual(Uint8Array.of(0xff));

  const fading = flashWith({ type: "program-fades", sectorIndex: 2 });
  expect(fading.program(0x2000, Uint8Array.of(0x0f, 0xff))).toBe(true);
  expect(fading.read(0x2000, 2)).toEqual(Uint8Array.of(0x0f, 0xff));
  for (let starts = 0; starts < 4; starts++) fading.powerOn();
  expect(fading.read(0x2000, 2)).toEqual(Uint8Array.of(0xff, 0xff));
});

test("flips a bit at one read or at every read, and keeps its cell correct", () => {
  const flash = flashWith(
    { type: "read-flip", offset: 0x1003, bit: 0, read: 2 },
    { type: "read-flip", offset: 0x1fff, bit: 7 },
  );
  const seen = () => [...flash.read(0x1003, 1), ...flash.read(0x1fff, 1)];
  expect(seen()).toEqual([0xa5, 0x25]);
  expect(flash.truth(0x1003, 1)).toEqual(Uint8Array.of(0xa5));
  flash.setFaults([{ type: "read-flip", offset: 0x1003, bit: 0, read: 2 }]);
  expect([1, 2, 3].map(() => flash.read(0x1003, 1)[0])).toEqual([0xa5, 0xa4, 0xa5]);
});

test("copies the faults and their counts to a snapshot", () => {
  const flash = flashWith({ type: "erase-fails", sectorIndex: 1, from: 2 });
  expect(flash.eraseSector(0x1000)).toBe(true);
  const copy = flash.snapshot();
  expect([copy.eraseSector(0x1000), flash.eraseSector(0x1000)]).toEqual([false, false]);
});

test("leaves the cells unchanged if power fails in an operation that fails", () => {
  const flash = flashWith({ type: "erase-fails", sectorIndex: 1 });
  flash.cutPowerAt({ operation: 1, moment: "during", variant: "all-zero" });
  expect(() => flash.eraseSector(0x1000)).toThrow(/power cut during/);
  expect(flash.truth(0x1000, 1)).toEqual(Uint8Array.of(0xa5));
});
