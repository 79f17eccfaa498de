import { utf8 } from "@tinybms/ota-core";
import fc from "fast-check";

/** A JSON value of any shape. */
type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Values that readers of a schema get wrong. */
const ODD_VALUES: readonly Json[] = [
  null, true, false, 0, 1, -1, 2, 4095, 4096, 65_535, 65_536, 2_147_483_647, -2_147_483_647, 3_600_000, 3_600_001,
  "", "a", "A", "all", "identity", "é", "\u0000", "\ud800", "😀".repeat(45), "x".repeat(65), "0".repeat(32), "0".repeat(64),
  "AAAA", "AA==", "AB==", "2026-02-31T23:59:60Z", "2026-02-31T23:59:59.1Z", [], [null], ["identity"], [1, 2], {}, { devices: [] },
  { devices: ["bench-1"] }, { rollout: { permille: 1000, salt: "00" } }, { rollout: { permille: 0, salt: "0" } },
]; // biome-ignore format: a table

/** Pieces of text that parsers of JSON get wrong. */
const ODD_TEXTS: readonly string[] = [
  " ", "\t", "\n", "\ufeff", "\u00a0", ",", ":", "{", "}", "[", "]", '"', "\\", '"a":1,', '"a":1', '"__proto__":1,', '"\\u0061":1,',
  "\\/", "\\u0041", "\\u002f", "\\u00e9", "\\ud83d\\ude00", "\\ud800", "\\uDC00", "\\u00", "\\x", "\\b", "\\\"", "0", "-", "-0", "1.5", "1e3", "1E3",
  "01", "2147483647", "2147483648", "-2147483648", "99999999999", "true", "nul", "\u0000", "\u001f", "\u007f", "é", "\ud7ff", "😀",
  "[[[[[[[", "]]]]]]]",
]; // biome-ignore format: a table

/** Generates JSON documents, most of them valid, as UTF-8. */
export function jsonDocuments(values: fc.Arbitrary<unknown>): fc.Arbitrary<Uint8Array> {
  const documents = fc.oneof(
    { weight: 2, arbitrary: values },
    { weight: 3, arbitrary: fc.tuple(values, fc.nat(), fc.constantFrom(...ODD_VALUES)).map(replaceOne) },
    { weight: 1, arbitrary: fc.tuple(values, fc.nat()).map(removeOne) },
  );
  const texts = documents.map((value) => JSON.stringify(value));
  const mutated = fc.tuple(texts, fc.nat(), fc.nat({ max: 4 }), fc.constantFrom(...ODD_TEXTS)).map(splice);
  const bytes = fc
    .tuple(
      fc.oneof({ weight: 3, arbitrary: texts }, { weight: 1, arbitrary: mutated }).map(utf8),
      fc.nat(),
      fc.nat(),
      fc.nat(),
    )
    .map(([text, at, byte, chance]) => (chance % 8 === 0 && text.length > 0 ? withByte(text, at, byte) : text));
  return bytes;
}

/** Generates JSON values of up to nine levels. */
export const jsonValues: fc.Arbitrary<unknown> = fc
  .jsonValue({ maxDepth: 9, noUnicodeString: false })
  .map(wholeNumbers);

function wholeNumbers(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, it) => (typeof it === "number" ? Math.trunc(it) % 4_294_967_296 : it)));
}

/** Lists every container in a value with the names or positions in it. */
function places(value: unknown): readonly (readonly [object, string])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) => [[value, name] as const, ...places(child)]);
}

function replaceOne([value, at, odd]: readonly [unknown, number, Json]): unknown {
  const copy: unknown = structuredClone(value);
  const all = places(copy);
  const place = all[at % Math.max(1, all.length)];
  if (place === undefined) return odd;
  Reflect.set(place[0], place[1], odd);
  return copy;
}

function removeOne([value, at]: readonly [unknown, number]): unknown {
  const copy: unknown = structuredClone(value);
  const all = places(copy);
  const place = all[at % Math.max(1, all.length)];
  if (place === undefined) return copy;
  if (Array.isArray(place[0])) place[0].splice(Number(place[1]), 1);
  else Reflect.deleteProperty(place[0], place[1]);
  return copy;
}

function splice([text, at, removed, inserted]: readonly [string, number, number, string]): string {
  const start = at % (text.length + 1);
  return text.slice(0, start) + inserted + text.slice(start + removed);
}

function withByte(text: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = Uint8Array.from(text);
  copy[at % copy.length] = byte % 256;
  return copy;
}
