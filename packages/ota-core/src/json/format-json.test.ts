import fc from "fast-check";
import { expect, test } from "vitest";
import { formatJson } from "./format-json.ts";

test("short lists of plain values stand on one line, everything else one value a line", () => {
  const value = {
    a: ["mqtt", "https"],
    b: [1, true, null],
    c: [],
    d: [{ e: ["x"] }],
    f: ["x".repeat(80)],
    '"g\\': ["[", "]"],
  };
  expect(formatJson(value)).toBe(`{
  "a": ["mqtt", "https"],
  "b": [1, true, null],
  "c": [],
  "d": [
    {
      "e": ["x"]
    }
  ],
  "f": [
    "${"x".repeat(80)}"
  ],
  "\\"g\\\\": ["[", "]"]
}
`);
});

test("the layout changes no value", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      expect(formatJson(value)).toBe(formatJson(JSON.parse(formatJson(value))));
      expect(JSON.stringify(JSON.parse(formatJson(value)))).toBe(JSON.stringify(value));
    }),
  );
});
