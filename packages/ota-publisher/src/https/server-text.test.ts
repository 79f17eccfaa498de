import fc from "fast-check";
import { expect, test } from "vitest";
import { explanationIn, jsonObjectOf, ServerText } from "./server-text.ts";

test("masks secrets in text, also encoded, decoded, word by word, and in other case", () => {
  const text = new ServerText(["p%C3%A4ss", "Bearer t0ken-1"]);
  expect(text.show("got p%c3%a4ss / päss / Bearer t0ken-1 / T0KEN-1 / token=t0ken-1.")).toBe(
    "got *** / *** / *** / *** / token=***.",
  );
});

test("removes terminal control characters and truncates long text", () => {
  const text = new ServerText([]);
  expect(text.show("\u001b[31mred\r\n\u202eback\u0000")).toBe("[31mred back");
  expect(text.show("x".repeat(1000))).toBe(`${"x".repeat(200)}…`);
});

test("shows no text if a secret is too short to be masked", () => {
  expect(new ServerText(["ab"]).show("cab fares")).toBe("");
  expect(new ServerText([""]).show("cab fares")).toBe("cab fares");
});

test("no text shows a secret, wherever it stands in it", () => {
  const secret = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }).filter((text) => !text.includes("*"));
  fc.assert(
    fc.property(secret, fc.string(), fc.string(), (hidden, before, after) => {
      const shown = new ServerText([hidden]).show(`${before}${hidden}${after}`);
      expect(hidden.trim() !== "" && shown.includes(hidden)).toBe(false);
    }),
  );
});

test("finds the explanation where servers put it", () => {
  expect(explanationIn('{"message":"busy","error":"x"}', "application/json")).toBe("busy");
  expect(explanationIn('{"error":"x"}', "application/problem+json; charset=utf-8")).toBe("x");
  expect(explanationIn("<head><title>413 Too &lt;Large&gt;</title>", "text/html")).toBe("413 Too <Large>");
  expect(explanationIn("first\nsecond", "text/plain")).toBe("first");
  expect(explanationIn("first", "application/octet-stream")).toBe("");
  expect(explanationIn("[1]", "application/json")).toBe("");
});

test("any text is a JSON object or none", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const object = jsonObjectOf(text);
      expect(object === undefined || typeof object === "object").toBe(true);
    }),
  );
});
