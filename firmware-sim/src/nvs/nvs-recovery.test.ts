import { utf8 } from "@tinybms/ota-core";
import { buildNvsPageHeader, hashNvsKey, nvsKeyFromText } from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { NvsFlash } from "../../test/nvs/nvs-flash.ts";
import { PowerCut } from "../flash/power-cut.ts";
import {
  type NvsHandle,
  nvs_erase_key,
  nvs_flash_init,
  nvs_get_blob,
  nvs_get_str,
  nvs_get_u8,
  nvs_get_u32,
  nvs_open,
  nvs_set_blob,
  nvs_set_str,
  nvs_set_u8,
  nvs_set_u32,
} from "./nvs.ts";

const PAGE = 4096;
const ERASED = 0;
const ILLEGAL = 1;
const WRITTEN = 2;
const EMPTY = 3;

function open(flash: NvsFlash): NvsHandle {
  flash.powerOn();
  const { err, nvs } = nvs_flash_init(flash);
  expect(err).toBe(0);
  return nvs_open(nvs!, "app", "readwrite").handle!;
}

/** A partition with namespace `app` as entry 0 and what `write` adds from entry 1 on. */
function flashWith(write: (handle: NvsHandle) => void, sizeBytes = 0x5000): NvsFlash {
  const flash = new NvsFlash(sizeBytes);
  write(open(flash));
  return flash;
}

/** Runs until power goes after (or before) the n-th flash operation of `act`. */
function cut(flash: NvsFlash, moment: "before" | "after", operation: number, act: () => void): void {
  flash.arm({ operation, moment });
  expect(act).toThrow(PowerCut);
}

/** Fills up the active page until `freeCount` entries are left, with keys that nothing else uses. */
function fillPage(handle: NvsHandle, from: number, freeCount: number): void {
  for (let index = from; index < 126 - freeCount; index++) expect(nvs_set_u8(handle, `fill${index}`, 1)).toBe(0);
}

function stateOf(flash: NvsFlash, entry: number, page = 0): number {
  return (flash.cells[page * PAGE + 32 + (entry >>> 2)]! >>> (2 * (entry & 3))) & 3;
}

function setState(flash: NvsFlash, entry: number, state: number, page = 0): void {
  const offset = page * PAGE + 32 + (entry >>> 2);
  const shift = 2 * (entry & 3);
  setByte(flash, offset, (flash.cells[offset]! & ~(3 << shift)) | (state << shift));
}

function setByte(flash: NvsFlash, offset: number, value: number): void {
  flash.load(offset, Uint8Array.of(value));
}

function entryOffset(entry: number, page = 0): number {
  return page * PAGE + 64 + 32 * entry;
}

function entryBytes(flash: NvsFlash, entry: number, page = 0): Uint8Array {
  return flash.cells.subarray(entryOffset(entry, page), entryOffset(entry + 1, page));
}

function pageState(flash: NvsFlash, page: number): number {
  return new DataView(flash.cells.buffer).getUint32(page * PAGE, true);
}

test("keeps the new value after a cut before the old one is erased, and erases the old one at init", () => {
  const flash = flashWith((handle) => {
    nvs_set_u32(handle, "seq", 1);
    fillPage(handle, 2, 0);
  });
  // Old value in page 0, the new one first in page 1: full, header, entry, state | old state.
  cut(flash, "after", 4, () => nvs_set_u32(open(flash), "seq", 2));
  expect([stateOf(flash, 1, 0), stateOf(flash, 0, 1)]).toEqual([WRITTEN, WRITTEN]);
  expect(nvs_get_u32(open(flash), "seq")).toEqual({ err: 0, value: 2 });
  expect(stateOf(flash, 1, 0)).toBe(ERASED);
  expect(entryBytes(flash, 1, 0)).toEqual(new Uint8Array(32)); // recovery overwrites what it erases
});

test("erases the earlier of two equal keys in one page", () => {
  const flash = flashWith((handle) => nvs_set_u32(handle, "seq", 1));
  cut(flash, "after", 2, () => nvs_set_u32(open(flash), "seq", 2));
  expect(nvs_get_u32(open(flash), "seq")).toEqual({ err: 0, value: 2 });
  expect([stateOf(flash, 1), stateOf(flash, 2)]).toEqual([ERASED, WRITTEN]);
});

test("keeps the old value after a cut between entry and bitmap word, and erases the entry at init", () => {
  const flash = flashWith((handle) => nvs_set_u32(handle, "seq", 1));
  cut(flash, "after", 1, () => nvs_set_u32(open(flash), "seq", 2));
  expect([stateOf(flash, 2), entryBytes(flash, 2)[24]]).toEqual([EMPTY, 2]);
  const handle = open(flash);
  expect(nvs_get_u32(handle, "seq")).toEqual({ err: 0, value: 1 });
  expect(stateOf(flash, 2)).toBe(ERASED);
  expect(entryBytes(flash, 2)).toEqual(new Uint8Array(32));
  expect(nvs_set_u32(handle, "seq", 3)).toBe(0);
  expect(nvs_get_u32(open(flash), "seq").value).toBe(3);
  expect(stateOf(flash, 3)).toBe(WRITTEN);
});

test("treats a page with a blank state word and other content as free, and erases it when used", () => {
  const flash = flashWith((handle) => nvs_set_u32(handle, "seq", 1));
  setByte(flash, PAGE + 700, 0x00); // page 1: one byte not freed
  const handle = open(flash);
  expect(flash.cells[PAGE + 700]).toBe(0x00);
  fillPage(handle, 2, 0);
  expect(nvs_set_u32(handle, "seq", 2)).toBe(0);
  expect(flash.cells[PAGE + 700]).toBe(0xff);
  expect(flash.lostBitCount).toBe(0);
  expect(nvs_get_u32(open(flash), "seq").value).toBe(2);
});

test.for([
  { what: "a wrong header CRC", offset: 28, value: 0x00 },
  { what: "an unknown state word", offset: 0, value: 0xf0 },
  { what: "a state word of zero", offset: 0, value: 0x00 },
])("discards the values of a page that $what makes corrupt, and frees the page", ({ offset, value }) => {
  const flash = flashWith((handle) => nvs_set_u32(handle, "seq", 1));
  setByte(flash, offset, value);
  const handle = open(flash);
  expect(nvs_get_u32(handle, "seq").err).toBe(0x1102);
  expect(nvs_set_u32(handle, "seq", 2)).toBe(0);
  expect(nvs_get_u32(open(flash), "seq").value).toBe(2);
});

test("returns NEW_VERSION_FOUND for a page of a newer format version", () => {
  const flash = new NvsFlash(0x5000);
  flash.load(2 * PAGE, buildNvsPageHeader(0, 0xfd));
  expect(nvs_flash_init(flash)).toEqual({ err: 0x1110 });
});

test("returns NO_FREE_PAGES without a free page, and NOT_ENOUGH_SPACE without any page", () => {
  const flash = new NvsFlash(0x3000);
  for (const page of [0, 1, 2]) flash.load(page * PAGE, buildNvsPageHeader(page, 0xfe));
  expect(nvs_flash_init(flash)).toEqual({ err: 0x110d });
  expect(nvs_flash_init(new NvsFlash(0xfff))).toEqual({ err: 0x1105 });
});

test("erases several entries that were written without a state", () => {
  const flash = flashWith((handle) => nvs_set_u32(handle, "seq", 1));
  flash.load(entryOffset(2), utf8("left by a cut"));
  flash.load(entryOffset(3), utf8("left by a cut"));
  const handle = open(flash);
  expect([2, 3, 4].map((entry) => stateOf(flash, entry))).toEqual([ERASED, ERASED, EMPTY]);
  expect(nvs_get_u32(handle, "seq").value).toBe(1);
});

test("erases an entry in an illegal state", () => {
  const flash = flashWith((handle) => {
    nvs_set_u32(handle, "seq", 1);
    nvs_set_u8(handle, "gone", 2);
    nvs_set_u8(handle, "here", 3);
  });
  setState(flash, 2, ILLEGAL);
  const handle = open(flash);
  expect(stateOf(flash, 2)).toBe(ERASED);
  expect([nvs_get_u32(handle, "seq").value, nvs_get_u8(handle, "gone").err, nvs_get_u8(handle, "here").value]).toEqual([
    1, 0x1102, 3,
  ]);
});

test.for([
  { page: "active", sizeOfFill: 0 },
  { page: "full", sizeOfFill: 126 },
])("erases only the entry with a wrong CRC in a page that is $page", ({ sizeOfFill }) => {
  const flash = flashWith((handle) => {
    nvs_set_u32(handle, "seq", 1);
    nvs_set_u8(handle, "gone", 2);
    nvs_set_u8(handle, "here", 3);
    for (let index = 0; index < sizeOfFill; index++) nvs_set_u8(handle, `fill${index}`, 1);
  });
  setByte(flash, entryOffset(2) + 24, 0);
  const handle = open(flash);
  expect(stateOf(flash, 2)).toBe(ERASED);
  expect([nvs_get_u32(handle, "seq").value, nvs_get_u8(handle, "gone").err, nvs_get_u8(handle, "here").value]).toEqual([
    1, 0x1102, 3,
  ]);
});

test.for([
  { page: "active", sizeOfFill: 0, state: EMPTY },
  { page: "active", sizeOfFill: 0, state: ERASED },
  { page: "full", sizeOfFill: 126, state: ERASED },
])("erases a whole string with an entry in state $state in a page that is $page", ({ sizeOfFill, state }) => {
  const flash = flashWith((handle) => {
    nvs_set_str(handle, "text", "x".repeat(70)); // entries 1 to 4
    nvs_set_u8(handle, "here", 3);
    for (let index = 0; index < sizeOfFill; index++) nvs_set_u8(handle, `fill${index}`, 1);
  });
  setState(flash, 3, state);
  const handle = open(flash);
  expect([1, 2, 3, 4].map((entry) => stateOf(flash, entry))).toEqual([ERASED, ERASED, ERASED, ERASED]);
  expect(nvs_get_str(handle, "text").err).toBe(0x1102);
});

test("returns NOT_FOUND for an item whose payload has a wrong CRC, and erases it", () => {
  const flash = flashWith((handle) => nvs_set_str(handle, "text", "x".repeat(70)));
  setByte(flash, entryOffset(2) + 5, entryBytes(flash, 2)[5]! ^ 1);
  const handle = open(flash);
  expect(nvs_get_str(handle, "text").err).toBe(0x1102);
  expect([1, 2, 3, 4].map((entry) => stateOf(flash, entry))).toEqual([ERASED, ERASED, ERASED, ERASED]);
});

test("returns NOT_FOUND for a blob with a damaged chunk, then FAIL, then NOT_FOUND", () => {
  const flash = flashWith((handle) => nvs_set_blob(handle, "blob", new Uint8Array(64).fill(1)));
  setByte(flash, entryOffset(2) + 5, entryBytes(flash, 2)[5]! ^ 1);
  const handle = open(flash);
  expect([1, 2, 3].map(() => nvs_get_blob(handle, "blob").err)).toEqual([0x1102, -1, 0x1102]);
  expect(nvs_set_blob(handle, "blob", Uint8Array.of(7))).toBe(0);
  expect(nvs_get_blob(open(flash), "blob").value).toEqual(Uint8Array.of(7));
});

test.for([
  { lost: "its only chunk", entry: 1 },
  { lost: "its index", entry: 4 },
])("erases all entries of a blob that lost $lost at init", ({ entry }) => {
  const flash = flashWith((handle) => nvs_set_blob(handle, "blob", new Uint8Array(64).fill(1)));
  setState(flash, entry, ERASED);
  const handle = open(flash);
  expect([1, 2, 3, 4].map((index) => stateOf(flash, index))).toEqual([ERASED, ERASED, ERASED, ERASED]);
  expect(nvs_get_blob(handle, "blob").err).toBe(0x1102);
});

/**
 * Three pages; page 0 is full and nearly empty of values (`keep` of five entries, `count`, `late` in its last entry),
 * page 1 is full of values, page 2 is free. The next write moves page 0's values to page 2, in 20 operations: page 1
 * full, page 0 freeing, header, eight entries with a state each, erase.
 */
function flashBeforeMove(): NvsFlash {
  return flashWith((handle) => {
    nvs_set_str(handle, "keep", "x".repeat(100)); // entries 1 to 5
    for (let value = 0; value < 119; value++) nvs_set_u32(handle, "count", value); // 6 to 124
    nvs_set_u32(handle, "late", 7); // 125
    for (let index = 0; index < 126; index++) nvs_set_u8(handle, `fill${index}`, 1);
  }, 0x3000);
}

const MOVE_OPERATIONS = 20;

test("frees a page again from the start if power failed while it was freed", () => {
  let freeingCount = 0;
  for (let operation = 1; operation <= MOVE_OPERATIONS + 3; operation++) {
    const flash = flashBeforeMove();
    cut(flash, "before", operation, () => nvs_set_u32(open(flash), "count", 500));
    if (pageState(flash, 0) === 0xffff_fff8) freeingCount++;
    const handle = open(flash);
    expect(pageState(flash, 0), `operation ${operation}`).not.toBe(0xffff_fff8);
    expect(nvs_get_str(handle, "keep").value, `operation ${operation}`).toBe("x".repeat(100));
    expect(nvs_get_u32(handle, "late").value, `operation ${operation}`).toBe(7);
    expect(nvs_get_u32(handle, "count").value, `operation ${operation}`).toBe(
      operation < MOVE_OPERATIONS + 3 ? 118 : 500,
    );
    expect(nvs_set_u32(handle, "count", 600)).toBe(0);
    expect(nvs_get_u32(open(flash), "count").value).toBe(600);
  }
  expect(freeingCount).toBe(MOVE_OPERATIONS - 2);
});

// Losses that are ESP-IDF's own.

test("limit: loses the old value too if a blob's update is cut between chunk and index in one page", () => {
  const flash = flashWith((handle) => nvs_set_blob(handle, "blob", new Uint8Array(64).fill(1)));
  // Chunk's entry, state, payload, state | index's entry, state, old index's state, old chunk's state.
  const outcomes = [1, 2, 3, 4, 5, 6, 7].map((operation) => {
    const copy = new NvsFlash(flash);
    cut(copy, "after", operation, () => nvs_set_blob(open(copy), "blob", new Uint8Array(64).fill(2)));
    return nvs_get_blob(open(copy), "blob").value?.[0];
  });
  expect(outcomes).toEqual([1, 1, 1, undefined, 1, 2, 2]);
});

test("keeps the old value in another page if a blob's update is cut between chunk and index", () => {
  const flash = flashWith((handle) => {
    nvs_set_blob(handle, "blob", new Uint8Array(64).fill(1));
    fillPage(handle, 5, 1);
  });
  const outcomes = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((operation) => {
    const copy = new NvsFlash(flash);
    cut(copy, "after", operation, () => nvs_set_blob(open(copy), "blob", new Uint8Array(64).fill(2)));
    return nvs_get_blob(open(copy), "blob").value?.[0];
  });
  expect(outcomes).toEqual([1, 1, 1, 1, 1, 1, 1, 2, 2]);
});

test("keeps the old value or has the new one after a cut at any point of a string's update", () => {
  const flash = flashWith((handle) => nvs_set_str(handle, "text", "1".repeat(70)));
  const outcomes = [1, 2, 3, 4, 5, 6, 7].map((operation) => {
    const copy = new NvsFlash(flash);
    cut(copy, "after", operation, () => nvs_set_str(open(copy), "text", "2".repeat(70)));
    return nvs_get_str(open(copy), "text").value?.[0];
  });
  expect(outcomes).toEqual(["1", "1", "1", "1", "1", "2", "2"]);
});

test("limit: loses the first value written after an entry torn with four blank bytes, and its old one", () => {
  const flash = flashWith((handle) => nvs_set_u32(handle, "seq", 1));
  flash.arm({ operation: 1, moment: "during", programTear: "skips-first-4" });
  expect(() => nvs_set_u8(open(flash), "other", 0x5a)).toThrow(PowerCut);
  const handle = open(flash);
  expect(nvs_get_u32(handle, "seq").value).toBe(1);
  expect(stateOf(flash, 2)).toBe(EMPTY);
  expect(nvs_set_u32(handle, "seq", 2)).toBe(0);
  expect(flash.lostBitCount).toBe(1); // the entry went over the torn one
  expect(nvs_get_u32(handle, "seq").err).toBe(0x1102);
  expect(nvs_set_u32(handle, "seq", 3)).toBe(0); // the place is used up, so the next write is sound
  expect(nvs_get_u32(open(flash), "seq").value).toBe(3);
});

test.for([
  { tear: "all-zero", late: { err: 0, value: 7 } },
  { tear: "zeroed-quarter", late: { err: 0x1102 } },
])("limit: loses what the cut erase of a moved page zeroed if its header is readable ($tear)", ({ tear, late }) => {
  const flash = flashBeforeMove();
  flash.arm({ operation: MOVE_OPERATIONS, moment: "during", eraseTear: tear });
  expect(() => nvs_set_u32(open(flash), "count", 500)).toThrow(PowerCut);
  expect(flash.lastOperation).toMatchObject({ kind: "erase", offset: 0 });
  const handle = open(flash);
  expect(nvs_get_u32(handle, "late")).toEqual(late);
  expect(nvs_get_str(handle, "keep").value).toBe("x".repeat(100)); // entries 1 to 5: the half that wasn't zeroed yet
  expect(nvs_get_u8(handle, "fill0").value).toBe(1); // in another page
});

test("limit: keeps both values after a cut while a key gets another type in another page", () => {
  const flash = flashWith((handle) => {
    nvs_set_u8(handle, "key", 1);
    fillPage(handle, 2, 0);
  });
  cut(flash, "after", 4, () => nvs_set_u32(open(flash), "key", 2));
  const handle = open(flash);
  expect([nvs_get_u8(handle, "key").value, nvs_get_u32(handle, "key").value]).toEqual([1, 2]);
  expect([nvs_erase_key(handle, "key"), nvs_erase_key(handle, "key"), nvs_erase_key(handle, "key")]).toEqual([
    0, 0, 0x1102,
  ]);
});

test("limit: erases the earlier of two keys with the same 24-bit hash in the active page at init", () => {
  const [first, second] = keysWithEqualHash();
  const flash = flashWith((handle) => {
    nvs_set_u32(handle, first, 1);
    nvs_set_u32(handle, second, 2);
    expect([nvs_get_u32(handle, first).value, nvs_get_u32(handle, second).value]).toEqual([1, 2]);
  });
  const handle = open(flash);
  expect([nvs_get_u32(handle, first).err, nvs_get_u32(handle, second).value]).toEqual([0x1102, 2]);
});

function keysWithEqualHash(): [string, string] {
  const seen = new Map<number, string>();
  for (let number = 0; ; number++) {
    const key = `k${(number * 2_654_435_761) % 4_294_967_296}`;
    const hash = hashNvsKey(1, nvsKeyFromText(key).bytes, 0xff);
    const other = seen.get(hash);
    if (other !== undefined) return [other, key];
    seen.set(hash, key);
  }
}
