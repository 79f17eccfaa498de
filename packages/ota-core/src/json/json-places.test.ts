import fc from "fast-check";
import { expect, test } from "vitest";
import { JsonPlaces } from "./json-places.ts";
import { type JsonSpan, parseStrictJson, positionAt } from "./strict-json.ts";

function placesOf(text: string): { places: JsonPlaces; spans: Map<string, JsonSpan> } {
  const spans = new Map<string, JsonSpan>();
  expect(parseStrictJson(text, { spans, allowByteOrderMark: true }).ok).toBe(true);
  return { places: new JsonPlaces(text, spans), spans };
}

test("returns line and column of the value of a pointer", () => {
  const { places } = placesOf('{\r\n  "a": [\n\t1,\r"x"\n], "b": {"c": 2}\n}');
  expect(places.at("")).toEqual({ line: 1, column: 1 });
  expect(places.at("/a")).toEqual({ line: 2, column: 8 });
  expect(places.at("/a/0")).toEqual({ line: 3, column: 2 });
  expect(places.at("/a/1")).toEqual({ line: 4, column: 1 });
  expect(places.at("/b/c")).toEqual({ line: 5, column: 15 });
});

test("a missing value has the place of the enclosing value", () => {
  const { places } = placesOf('\uFEFF{"a": [7]}');
  expect(places.at("/a/3/x/y")).toEqual({ line: 1, column: 7 });
  expect(places.at("/nowhere")).toEqual({ line: 1, column: 1 });
  expect(new JsonPlaces("", new Map()).at("/a")).toEqual({ line: 1, column: 1 });
});

test("every value's place equals the result of positionAt", () => {
  const text = fc.tuple(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom(undefined, 2, "\t"),
    fc.constantFrom("\n", "\r\n"),
  );
  fc.assert(
    fc.property(text, ([value, indent, endOfLine]) => {
      const json = JSON.stringify(value, null, indent).replaceAll("\n", endOfLine);
      fc.pre(!json.includes('"__proto__"'));
      const { places, spans } = placesOf(json);
      for (const [pointer, { start }] of spans) expect(places.at(pointer)).toEqual(positionAt(json, start));
    }),
  );
});
