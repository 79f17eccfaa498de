// What releases of ESP-IDF do differently in NVS, where the recorded vectors don't show it or a user would notice.

import {
  buildNvsBlobIndex,
  buildNvsEntry,
  buildNvsPageHeader,
  buildNvsVariableData,
  NVS_PAGE_SIZE,
  NvsEntryState,
  NvsEntryStates,
  NvsType,
  nvsKeyFromText,
  nvsStateWordIndex,
} from "@tinybms/ota-core/esp";
import { expect, test } from "vitest";
import { type IdfReleaseName, idfRelease } from "../../src/idf-release/idf-release.ts";
import {
  type NvsHandle,
  nvs_flash_init,
  nvs_get_blob,
  nvs_get_str,
  nvs_get_u8,
  nvs_get_u16,
  nvs_open,
  nvs_set_blob,
  nvs_set_u16,
} from "../../src/nvs/nvs.ts";
import { NvsFlash } from "./nvs-flash.ts";

function open(flash: NvsFlash, idf: IdfReleaseName): NvsHandle {
  const { err, nvs } = nvs_flash_init(flash, idfRelease(idf).behaviors);
  expect(err).toBe(0);
  return nvs_open(nvs!, "app", "readwrite").handle!;
}

/** A page that takes no more, with items one behind the other, all of them written. */
function page(sequence: number, items: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(NVS_PAGE_SIZE).fill(0xff);
  bytes.set(buildNvsPageHeader(sequence, 0xfe));
  bytes[0] = 0xfc;
  const states = new NvsEntryStates();
  let index = 0;
  for (const item of items) {
    bytes.set(item, 64 + 32 * index);
    for (const end = index + item.length / 32; index < end; index++) states.set(index, NvsEntryState.written);
  }
  for (let entry = 0; entry < 126; entry += 16) {
    bytes.set(states.wordBytes(nvsStateWordIndex(entry)), 32 + 4 * nvsStateWordIndex(entry));
  }
  return bytes;
}

/** An item of the namespace `app`, with its payload. */
function item(type: number, key: string, data: Uint8Array, payload = new Uint8Array(0), chunkIndex = 0xff): Uint8Array {
  const span = 1 + Math.ceil(payload.length / 32);
  const bytes = new Uint8Array(32 * span).fill(0xff);
  bytes.set(buildNvsEntry({ namespaceIndex: 1, type, span, chunkIndex, key: nvsKeyFromText(key).bytes, data }));
  bytes.set(payload, 32);
  return bytes;
}

const APP = buildNvsEntry({
  namespaceIndex: 0,
  type: NvsType.u8,
  span: 1,
  chunkIndex: 0xff,
  key: nvsKeyFromText("app").bytes,
  data: Uint8Array.of(1),
});

function flashOf(...pages: readonly Uint8Array[]): NvsFlash {
  const bytes = new Uint8Array(NVS_PAGE_SIZE * 5).fill(0xff);
  for (const [index, content] of pages.entries()) bytes.set(content, index * NVS_PAGE_SIZE);
  return new NvsFlash(bytes);
}

test.for([
  { idf: "5.5.1", isWrittenAgain: false },
  { idf: "5.5.5", isWrittenAgain: true },
  { idf: "6.2-dev", isWrittenAgain: true },
] as const)("rewrites an unchanged long or empty blob on ESP-IDF $idf: $isWrittenAgain", ({ idf, isWrittenAgain }) => {
  for (const value of [Uint8Array.from({ length: 6000 }, (_, index) => index % 251), new Uint8Array(0)]) {
    const flash = new NvsFlash(0x6000);
    const handle = open(flash, idf);
    expect(nvs_set_blob(handle, "blob", value)).toBe(0);
    const operations = flash.operationCount;
    expect(nvs_set_blob(handle, "blob", value)).toBe(0);
    expect(flash.operationCount > operations).toBe(isWrittenAgain);
    expect(nvs_get_blob(handle, "blob").value).toEqual(value);
  }
});

test.for([
  { idf: "4.4.8", isKept: true },
  { idf: "5.5.5", isKept: false },
  { idf: "6.0.2", isKept: false },
  { idf: "6.2-dev", isKept: true },
] as const)("keeps a float of another build on ESP-IDF $idf: $isKept", ({ idf, isKept }) => {
  const flash = flashOf(page(0, [APP, item(NvsType.float, "volts", Uint8Array.of(0, 0, 0x48, 0x41))]));
  open(flash, idf);
  const state = (flash.cells[32]! >>> 2) & 3;
  expect(state).toBe(isKept ? NvsEntryState.written : NvsEntryState.erased);
});

test.for([
  { idf: "4.4.8", left: ["old", 7] },
  { idf: "5.5.1", left: ["old", undefined] },
  { idf: "5.5.5", left: [undefined, 7] },
] as const)("replaces all but $left of a key's two other types on ESP-IDF $idf", ({ idf, left }) => {
  const flash = flashOf(
    page(0, [APP, item(NvsType.string, "k", buildNvsVariableData(text("old\0")), text("old\0"))]),
    page(1, [item(NvsType.u8, "k", Uint8Array.of(7))]),
  );
  const handle = open(flash, idf);
  expect(nvs_set_u16(handle, "k", 300)).toBe(0);
  expect([nvs_get_str(handle, "k").value, nvs_get_u8(handle, "k").value]).toEqual(left);
  expect(nvs_get_u16(handle, "k").value).toBe(300);
});

test.for([
  { idf: "5.5.1", result: { err: -1 } },
  { idf: "5.5.5", result: { err: 0, value: text("newer") } },
] as const)("returns $result.err for a blob of each format with one key on ESP-IDF $idf", ({ idf, result }) => {
  const flash = flashOf(
    page(0, [APP, item(NvsType.blob, "k", buildNvsVariableData(text("old")), text("old"))]),
    page(1, [
      item(NvsType.blobData, "k", buildNvsVariableData(text("newer")), text("newer"), 0),
      item(NvsType.blobIndex, "k", buildNvsBlobIndex({ sizeBytes: 5, chunkCount: 1, chunkStart: 0 })),
      item(NvsType.u8, "later", Uint8Array.of(1)),
    ]),
  );
  expect(nvs_get_blob(open(flash, idf), "k")).toEqual(result);
});

test("hangs on an entry of span 0 with a correct CRC only in releases that check nothing else", () => {
  const hollow = item(NvsType.string, "k", buildNvsVariableData(new Uint8Array(0)));
  hollow.set(
    buildNvsEntry({
      namespaceIndex: 1,
      type: NvsType.string,
      span: 0,
      chunkIndex: 0xff,
      key: nvsKeyFromText("k").bytes,
      data: buildNvsVariableData(new Uint8Array(0)),
    }),
  );
  const active = page(0, [APP, hollow]);
  active[0] = 0xfe;
  expect(() => nvs_flash_init(flashOf(active), idfRelease("4.4.8").behaviors)).toThrow(/loops at an entry of span 0/);
  expect(nvs_flash_init(flashOf(active), idfRelease("5.1.7").behaviors).err).toBe(0);
});

test.for([
  { idf: "5.5.5", left: [-1, 0x1102] },
  { idf: "6.0.2", left: [-1, 0x1102] },
  { idf: "6.2-dev", left: [0, 0] },
] as const)("leaves the old blob as $left on ESP-IDF $idf if a longer one doesn't fit", ({ idf, left }) => {
  const flash = new NvsFlash(NVS_PAGE_SIZE * 3);
  const handle = open(flash, idf);
  expect(nvs_set_blob(handle, "k", new Uint8Array(100).fill(1))).toBe(0);
  expect(nvs_set_blob(handle, "k", new Uint8Array(7900).fill(2))).toBe(0x1105);
  // Releases before 6.2-dev erase the old blob's chunk, and the next read its index.
  expect([nvs_get_blob(handle, "k").err, nvs_get_blob(handle, "k").err]).toEqual(left);
});

function text(value: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(value));
}
