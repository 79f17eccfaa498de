// NVS after a power cut, on the simulated flash.

import { expect, test } from "vitest";
import { NorFlash } from "../../src/flash/nor-flash.ts";
import { type NvsHandle, nvs_flash_init, nvs_get_u32, nvs_open, nvs_set_u8, nvs_set_u32 } from "../../src/nvs/nvs.ts";
import { untilPowerCut } from "../board-spec.ts";

/** Where entries begin in a page, and how many there are. */
const ENTRIES_OFFSET = 64;
const ENTRY_COUNT = 126;
/** The first entry of a new partition is the namespace's. */
const SEQ_ENTRY = 1;

function open(flash: NorFlash): NvsHandle {
  if (!flash.isPowered) flash.powerOn();
  const { err, nvs } = nvs_flash_init({
    sizeBytes: 0x3000,
    read: (offset, length) => flash.read(offset, length),
    program: (offset, bytes) => void flash.program(offset, bytes),
    eraseSector: (offset) => void flash.eraseSector(offset),
  });
  expect(err).toBe(0);
  return nvs_open(nvs!, "app", "readwrite").handle!;
}

/** A partition at 0 with `seq` = 1 in entry 1. */
function flashWithSeq(): NorFlash {
  const flash = new NorFlash(2 ** 20);
  expect(nvs_set_u32(open(flash), "seq", 1)).toBe(0);
  return flash;
}

function fillFirstPage(flash: NorFlash): void {
  const handle = open(flash);
  for (let index = SEQ_ENTRY + 1; index < ENTRY_COUNT; index++) expect(nvs_set_u8(handle, `fill${index}`, 1)).toBe(0);
}

/** State of an entry: 3 empty, 2 written, 0 erased. */
function stateOf(flash: NorFlash, page: number, index: number): number {
  return (flash.truth(4096 * page + 32 + (index >>> 2), 1)[0]! >>> (2 * (index & 3))) & 3;
}

// The last item of the newest page wins, and init erases the older duplicate.
test("row 57: keeps the newest value after an NVS cut between the new item and the old one's erase", () => {
  const flash = flashWithSeq();
  fillFirstPage(flash); // so that the new item opens a page
  flash.cutPowerAt({ operation: 4, moment: "after" }); // page full, header, entry, its state | the old item's state
  untilPowerCut(() => nvs_set_u32(open(flash), "seq", 2));
  expect([stateOf(flash, 0, SEQ_ENTRY), stateOf(flash, 1, 0)]).toEqual([2, 2]);
  expect(nvs_get_u32(open(flash), "seq")).toEqual({ err: 0, value: 2 });
  expect([stateOf(flash, 0, SEQ_ENTRY), stateOf(flash, 1, 0)]).toEqual([0, 2]);
});

// init zeroes the entry and marks it ERASED. The old value is still there.
test("row 58: discards a new NVS entry after a cut between its data and its bitmap word", () => {
  const flash = flashWithSeq();
  flash.cutPowerAt({ operation: 1, moment: "after" });
  untilPowerCut(() => nvs_set_u32(open(flash), "seq", 2));
  expect(stateOf(flash, 0, SEQ_ENTRY + 1)).toBe(3);
  expect(nvs_get_u32(open(flash), "seq")).toEqual({ err: 0, value: 1 });
  expect(stateOf(flash, 0, SEQ_ENTRY + 1)).toBe(0);
  expect(flash.truth(ENTRIES_OFFSET + 32 * (SEQ_ENTRY + 1), 32)).toEqual(new Uint8Array(32));
});

// The rest of the page is not FF. The page is erased again when it is activated.
test("row 59: treats a half-erased NVS page as free if its state word is FF", () => {
  const flash = flashWithSeq();
  flash.load(0x1000 + 700, Uint8Array.of(0)); // page 1: one byte not freed
  fillFirstPage(flash);
  expect(flash.wear(1)).toBe(0);
  expect(nvs_set_u32(open(flash), "seq", 2)).toBe(0);
  expect(flash.wear(1)).toBe(1);
  expect(flash.violations).toEqual([]);
  expect(nvs_get_u32(open(flash), "seq")).toEqual({ err: 0, value: 2 });
});
