import { toHex } from "@tinybms/ota-core";
import {
  buildNvsBlobIndex,
  buildNvsEntry,
  buildNvsPageHeader,
  buildNvsVariableData,
  NVS_ENTRY_COUNT,
  NVS_PAGE_SIZE,
  nvsKeyFromText,
} from "@tinybms/ota-core/esp";
import fc from "fast-check";
import { expect, test } from "vitest";
import { EspAbort } from "../../src/esp-err/esp-abort.ts";
import { type IdfReleaseName, idfRelease } from "../../src/idf-release/idf-release.ts";
import {
  type Nvs,
  type NvsHandle,
  nvs_erase_all,
  nvs_erase_key,
  nvs_flash_erase,
  nvs_flash_init,
  nvs_get_blob,
  nvs_get_stats,
  nvs_get_str,
  nvs_get_u8,
  nvs_get_u32,
  nvs_get_u64,
  nvs_open,
  nvs_set_blob,
  nvs_set_str,
  nvs_set_u8,
  nvs_set_u32,
  nvs_set_u64,
} from "../../src/nvs/nvs.ts";
import { NvsFlash } from "./nvs-flash.ts";

const NAMESPACES = ["one", "two"];
const KEYS = ["a", "b", "seq", "record", "fifteen_bytes_k"];

/** The value of a key, with its type: `u8 7`. */
type Value = { type: "u8" | "u32" | "str" | "blob"; content: number | string | Uint8Array };
type Model = Map<string, Value>;

class Device {
  flash: NvsFlash;
  nvs: Nvs;
  constructor(pageCount: number) {
    this.flash = new NvsFlash(pageCount * NVS_PAGE_SIZE);
    this.nvs = nvs_flash_init(this.flash).nvs!;
  }

  reopen(): void {
    const { err, nvs } = nvs_flash_init(this.flash);
    expect(err).toBe(0);
    this.nvs = nvs!;
  }

  handle(namespace: string): NvsHandle {
    return nvs_open(this.nvs, namespace, "readwrite").handle!;
  }
}

function read(handle: NvsHandle, key: string, type: Value["type"]): Value["content"] | undefined {
  if (type === "u8") return nvs_get_u8(handle, key).value;
  if (type === "u32") return nvs_get_u32(handle, key).value;
  return type === "str" ? nvs_get_str(handle, key).value : nvs_get_blob(handle, key).value;
}

function write(handle: NvsHandle, key: string, { type, content }: Value): number {
  if (type === "str") return nvs_set_str(handle, key, `${content}`);
  if (content instanceof Uint8Array) return nvs_set_blob(handle, key, content);
  return type === "u8" ? nvs_set_u8(handle, key, Number(content)) : nvs_set_u32(handle, key, Number(content));
}

function checkAll(model: Model, device: Device): void {
  for (const namespace of NAMESPACES) {
    const handle = device.handle(namespace);
    for (const key of KEYS) {
      const value = model.get(`${namespace}/${key}`);
      for (const type of ["u8", "u32", "str", "blob"] as const) {
        expect(read(handle, key, type), `${namespace}/${key} as ${type}`).toEqual(
          value?.type === type ? value.content : undefined,
        );
      }
    }
  }
  expect(device.flash.lostBitCount).toBe(0);
}

class SetValue implements fc.Command<Model, Device> {
  readonly namespace: string;
  readonly key: string;
  readonly value: Value;
  constructor(namespace: string, key: string, value: Value) {
    this.namespace = namespace;
    this.key = key;
    this.value = value;
  }
  check(): boolean {
    return true;
  }
  run(model: Model, device: Device): void {
    expect(write(device.handle(this.namespace), this.key, this.value)).toBe(0);
    model.set(`${this.namespace}/${this.key}`, this.value);
    expect(read(device.handle(this.namespace), this.key, this.value.type)).toEqual(this.value.content);
  }
  toString(): string {
    const { type, content } = this.value;
    return `set ${this.namespace}/${this.key} ${type} ${content instanceof Uint8Array ? toHex(content) : content}`;
  }
}

class EraseKey implements fc.Command<Model, Device> {
  readonly namespace: string;
  readonly key: string;
  constructor(namespace: string, key: string) {
    this.namespace = namespace;
    this.key = key;
  }
  check(): boolean {
    return true;
  }
  run(model: Model, device: Device): void {
    const existed = model.delete(`${this.namespace}/${this.key}`);
    expect(nvs_erase_key(device.handle(this.namespace), this.key)).toBe(existed ? 0 : 0x1102);
  }
  toString(): string {
    return `erase ${this.namespace}/${this.key}`;
  }
}

class EraseAll implements fc.Command<Model, Device> {
  readonly namespace: string;
  constructor(namespace: string) {
    this.namespace = namespace;
  }
  check(): boolean {
    return true;
  }
  run(model: Model, device: Device): void {
    for (const key of KEYS) model.delete(`${this.namespace}/${key}`);
    expect(nvs_erase_all(device.handle(this.namespace))).toBe(0);
  }
  toString(): string {
    return `erase all of ${this.namespace}`;
  }
}

class Reopen implements fc.Command<Model, Device> {
  check(): boolean {
    return true;
  }
  run(model: Model, device: Device): void {
    const operations = device.flash.operationCount;
    device.reopen();
    expect(device.flash.operationCount).toBe(operations); // nothing to recover
    checkAll(model, device);
  }
  toString(): string {
    return "reopen";
  }
}

const anyNamespace = fc.constantFrom(...NAMESPACES);
const anyKey = fc.constantFrom(...KEYS);
const anyValue: fc.Arbitrary<Value> = fc.oneof(
  fc.nat(255).map((content) => ({ type: "u8" as const, content })),
  fc.nat(0xffff_ffff).map((content) => ({ type: "u32" as const, content })),
  fc.string({ maxLength: 90 }).map((text) => ({ type: "str" as const, content: text.replaceAll("\0", "") })),
  fc.integer({ min: 0, max: 400 }).map((size) => ({ type: "str" as const, content: "s".repeat(size) })),
  fc.uint8Array({ maxLength: 200 }).map((content) => ({ type: "blob" as const, content })),
  fc
    .integer({ min: 0, max: 1500 })
    .map((size) => ({ type: "blob" as const, content: new Uint8Array(size).fill(size) })),
);

test("agrees with a map for any sequence of set, get, erase and reopen", () => {
  const commands = fc.commands(
    [
      fc.tuple(anyNamespace, anyKey, anyValue).map((args) => new SetValue(...args)),
      fc.tuple(anyNamespace, anyKey, anyValue).map((args) => new SetValue(...args)),
      fc.tuple(anyNamespace, anyKey, anyValue).map((args) => new SetValue(...args)),
      fc.tuple(anyNamespace, anyKey).map((args) => new EraseKey(...args)),
      anyNamespace.map((namespace) => new EraseAll(namespace)),
      fc.constant(new Reopen()),
    ],
    { maxCommands: 250, size: "max" },
  );
  let pagesMoved = 0;
  fc.assert(
    // Ten values of at most 15 entries in three pages of 126 entries: nothing is refused for want of space.
    fc.property(commands, (sequence) => {
      const device = new Device(4);
      const model: Model = new Map();
      fc.modelRun(() => ({ model, real: device }), sequence);
      device.reopen();
      checkAll(model, device);
      const newest = Math.max(...sequencesOf(device.flash));
      if (newest >= 4) pagesMoved++;
    }),
    { numRuns: 60 },
  );
  expect(pagesMoved).toBeGreaterThan(0);
});

function sequencesOf(flash: NvsFlash): number[] {
  const view = new DataView(flash.cells.buffer);
  const offsets = Array.from({ length: flash.sizeBytes / NVS_PAGE_SIZE }, (_, page) => page * NVS_PAGE_SIZE);
  return offsets
    .filter((offset) => view.getUint32(offset, true) !== 0xffff_ffff)
    .map((offset) => view.getUint32(offset + 4, true));
}

const byte = fc.nat(255);
const plausibleEntry = fc
  .record({
    namespaceIndex: fc.constantFrom(0, 1, 2, 255),
    type: fc.constantFrom(0x01, 0x04, 0x21, 0x41, 0x42, 0x42, 0x48, 0x48, 0xff),
    span: fc.constantFrom(0, 1, 1, 2, 3, 126, 255),
    chunkIndex: fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff, 0xff),
    key: fc.oneof(
      fc.constantFrom(...KEYS, "app").map((text) => nvsKeyFromText(text).bytes),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    ),
    data: fc.oneof(
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      fc.nat(100).map((size) => buildNvsVariableData(new Uint8Array(size))),
      fc
        .record({ sizeBytes: fc.nat(200), chunkCount: byte, chunkStart: fc.constantFrom(0, 0x80, 0x7f, 0xff) })
        .map(buildNvsBlobIndex),
    ),
  })
  .map(buildNvsEntry);

/** A page with a good header in some state, any bitmap, and entries of which many are good. */
const plausiblePage = fc
  .record({
    stateByte: fc.constantFrom(0xfe, 0xfe, 0xfc, 0xf8, 0xff, 0x00),
    sequence: fc.oneof(fc.nat(4), fc.constant(0xffff_ffff)),
    version: fc.constantFrom(0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xff, 0xfd),
    bitmap: fc
      .oneof(fc.constant(0xaa), fc.constant(0xff), byte)
      .chain((fill) => fc.array(fc.oneof(fc.constant(fill), byte), { minLength: 32, maxLength: 32 })),
    entries: fc.array(fc.oneof(plausibleEntry, plausibleEntry, fc.uint8Array({ minLength: 32, maxLength: 32 })), {
      maxLength: NVS_ENTRY_COUNT,
      size: "max",
    }),
  })
  .map(({ stateByte, sequence, version, bitmap, entries }) => {
    const page = new Uint8Array(NVS_PAGE_SIZE).fill(0xff);
    page.set(buildNvsPageHeader(sequence, version));
    page[0] = stateByte;
    page.set(bitmap, 32);
    for (const [index, entry] of entries.entries()) page.set(entry, 64 + 32 * index);
    return page;
  });

const randomPage = fc.uint8Array({ minLength: NVS_PAGE_SIZE, maxLength: NVS_PAGE_SIZE, size: "max" });
const blankPage = fc.constant(new Uint8Array(NVS_PAGE_SIZE).fill(0xff));

function partition(pages: readonly Uint8Array[]): NvsFlash {
  const cells = new Uint8Array(pages.length * NVS_PAGE_SIZE);
  for (const [index, page] of pages.entries()) cells.set(page, index * NVS_PAGE_SIZE);
  return new NvsFlash(cells);
}

test("treats random bytes in all pages as an empty, working partition", () => {
  fc.assert(
    fc.property(fc.array(randomPage, { minLength: 3, maxLength: 6 }), (pages) => {
      const flash = partition(pages);
      const { err, nvs } = nvs_flash_init(flash);
      expect(err).toBe(0);
      const { handle } = nvs_open(nvs!, "app", "readwrite");
      for (let value = 0; value < 300; value++) expect(nvs_set_u64(handle!, "seq", BigInt(value))).toBe(0);
      expect(nvs_set_blob(handle!, "blob", pages[0]!.subarray(0, 300))).toBe(0);
      const again = nvs_open(nvs_flash_init(flash).nvs!, "app", "readonly").handle!;
      expect(nvs_get_u64(again, "seq").value).toBe(299n);
      expect(nvs_get_blob(again, "blob").value).toEqual(pages[0]!.subarray(0, 300));
      expect(flash.lostBitCount).toBe(0);
    }),
    { numRuns: 20 },
  );
});

/** Opens a partition and uses it in every way. @returns What init gave. */
function useEverything(flash: NvsFlash, idf: IdfReleaseName): number {
  const { err, nvs } = nvs_flash_init(flash, idfRelease(idf).behaviors);
  expect(err).toBeOneOf([0, -1, 0x1105, 0x110d, 0x1110]);
  expect(nvs === undefined).toBe(err !== 0);
  if (nvs === undefined) return err;
  expect(nvs_get_stats(nvs).err).toBeOneOf([0, -1]);
  for (const namespace of ["a", "app"]) {
    const { handle } = nvs_open(nvs, namespace, "readwrite");
    if (handle === undefined) continue;
    for (const key of KEYS) {
      for (const type of ["u8", "u32", "str", "blob"] as const) read(handle, key, type);
      const results = [
        nvs_set_blob(handle, key, new Uint8Array(100)),
        nvs_set_blob(handle, key, new Uint8Array(5000)),
        nvs_set_str(handle, key, "x".repeat(50)),
        nvs_set_u32(handle, key, 1),
        nvs_erase_key(handle, key),
      ];
      for (const result of results) expect(result).toBeOneOf([0, -1, 0x1102, 0x1105, 0x110b, 0x110e]);
    }
    expect(nvs_erase_all(handle)).toBeOneOf([0, -1]);
  }
  return err;
}

test.for([
  { idf: "6.2-dev", often: ["0", `${0x110d}`, `${0x1110}`] },
  { idf: "5.5.1", often: ["0", `${0x110d}`, `${0x1110}`] },
  { idf: "4.4.8", often: ["0", "-1", `${0x1110}`, "abort"] },
] as const)("returns an error number or resets for plausible pages on ESP-IDF $idf", ({ idf, often }) => {
  const ended = new Map<string, number>();
  const count = (what: string) => ended.set(what, (ended.get(what) ?? 0) + 1);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(plausiblePage, plausiblePage, blankPage), { minLength: 1, maxLength: 6 }),
      (pages) => {
        const flash = partition(pages);
        try {
          count(`${useEverything(flash, idf)}`);
        } catch (error) {
          if (!(error instanceof EspAbort)) throw error;
          expect(idf).toBe("4.4.8");
          count("abort");
        }
        expect(nvs_flash_erase(flash)).toBe(0);
        expect(nvs_flash_init(flash, idfRelease(idf).behaviors).err).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
  for (const end of often) expect(ended.get(end), end).toBeGreaterThan(5);
});
