import { expect, test } from "vitest";
import { NorFlash } from "../flash/nor-flash.ts";
import { type NvsHandle, nvs_flash_init, nvs_get_str, nvs_open, nvs_set_str } from "../nvs/nvs.ts";
import { StoredText } from "./stored-text.ts";

const PAGES = 4;

function open(flash: NorFlash): NvsHandle {
  const { nvs } = nvs_flash_init({
    sizeBytes: PAGES * 4096,
    read: (offset, length) => flash.read(offset, length),
    program: (offset, bytes) => void flash.program(offset, bytes),
    eraseSector: (offset) => void flash.eraseSector(offset),
  });
  return nvs_open(nvs!, "app", "readwrite").handle!;
}

const stored = (handle: NvsHandle) => new StoredText(handle, "text", (text) => (text === "" ? undefined : text));
const store = (handle: NvsHandle, text: string) => stored(handle).store(text, text, () => 0);

/** Which of the strings that a text can stand in are there. */
function stringsIn(handle: NvsHandle): readonly string[] {
  const keys = [0, 1].flatMap((turn) => [`text_${turn}`, ...[1, 2, 3, 4].map((piece) => `text_${turn}.${piece}`)]);
  return keys.filter((key) => nvs_get_str(handle, key).value !== undefined);
}

test("texts are written in turns, in as many strings as they need, and nothing of a longer one is left", () => {
  const handle = open(new NorFlash(2 ** 20));
  for (const [text, strings] of [
    ["a".repeat(4_000), ["text_1", "text_1.1", "text_1.2"]],
    ["b", ["text_0", "text_1", "text_1.1", "text_1.2"]],
    ["c".repeat(10), ["text_0", "text_1"]],
  ] as const) {
    expect(store(handle, text)).toBe(0);
    expect(stored(handle).value).toBe(text);
    expect(stringsIn(handle)).toEqual(strings);
  }
});

test("a text that there is no room for leaves nothing behind, and the one before stands", () => {
  const handle = open(new NorFlash(2 ** 20));
  expect(store(handle, "a".repeat(7_000))).toBe(0);
  const before = stringsIn(handle);
  expect(store(handle, "b".repeat(7_000))).not.toBe(0);
  expect(stringsIn(handle)).toEqual(before);
  expect(stored(handle).value).toBe("a".repeat(7_000));
});

test("strings that a cut left of another text under the same number are not read", () => {
  const handle = open(new NorFlash(2 ** 20));
  nvs_set_str(handle, "text_1", "1/1 abc");
  nvs_set_str(handle, "text_1.1", "1/2 def");
  expect(stored(handle).value).toBe("abc");
});
