import fc from "fast-check";
import { expect, test } from "vitest";
import { formatJson } from "./format-json.ts";

test("short lists of plain values are on one line, other values on one line each", () => {
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

test("formatting changes no value", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      expect(formatJson(value)).toBe(formatJson(JSON.parse(formatJson(value))));
      expect(JSON.stringify(JSON.parse(formatJson(value)))).toBe(JSON.stringify(value));
    }),
  );
});
