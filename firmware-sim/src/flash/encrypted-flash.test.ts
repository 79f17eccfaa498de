import { expect, test } from "vitest";
import { EncryptedFlash } from "./encrypted-flash.ts";
import { NorFlash } from "./nor-flash.ts";

const BLOCK = Uint8Array.from({ length: 16 }, (_, index) => index);

test("reads back what was programmed, and stores different bytes in the cells", () => {
  const flash = new NorFlash(2 ** 20);
  const encrypted = new EncryptedFlash(flash, 7);
  expect(encrypted.program(0x2010, BLOCK)).toBe(true);
  expect(encrypted.read(0x2010, 16)).toEqual(BLOCK);
  expect(flash.read(0x2010, 16)).not.toEqual(BLOCK);
  expect(new EncryptedFlash(flash, 8).read(0x2010, 16)).not.toEqual(BLOCK);
  const parts: number[] = [];
  expect(encrypted.forEachSector(0x2010, 16, (bytes) => parts.push(...bytes))).toBe(true);
  expect(parts).toEqual([...BLOCK]);
});

test("reads erased cells as noise that differs by address", () => {
  const encrypted = new EncryptedFlash(new NorFlash(2 ** 20), 7);
  expect(encrypted.eraseRange(0, 0x1000)).toBe(true);
  expect(new Set(encrypted.read(0, 4096)).size).toBeGreaterThan(250);
  expect(encrypted.read(0, 16)).not.toEqual(encrypted.read(16, 16));
});

test("rejects and reports a program that is not of whole blocks", () => {
  const flash = new NorFlash(2 ** 20);
  const encrypted = new EncryptedFlash(flash, 7);
  expect(encrypted.program(8, BLOCK)).toBe(false);
  expect(encrypted.program(16, BLOCK.subarray(1))).toBe(false);
  expect(flash.operationCount).toBe(0);
  expect(flash.violations.map(({ kind, offset }) => [kind, offset])).toEqual([
    ["program-unaligned", 8],
    ["program-unaligned", 16],
  ]);
});
