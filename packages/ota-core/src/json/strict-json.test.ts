import fc from "fast-check";
import { expect, test } from "vitest";
import { type JsonSpan, parseStrictJson, positionAt } from "./strict-json.ts";

test("agrees with JSON.parse on every document", () => {
  fc.assert(
    fc.property(fc.json({ depthSize: "medium" }), fc.constantFrom(undefined, 2, "\t"), (json, indent) => {
      const value: unknown = JSON.parse(json);
      // `__proto__` is the one name that we refuse and JSON.parse takes.
      fc.pre(!json.includes("__proto__"));
      expect(parseStrictJson(JSON.stringify(value, null, indent))).toEqual({ ok: true, value });
    }),
    { numRuns: 500 },
  );
});

test("any string gives the value of JSON.parse, or a reason and a place, never an exception", () => {
  const piece = fc.constantFrom(
    '{"',
    '":',
    '"',
    "[",
    "]",
    "}",
    ",",
    "-",
    "0",
    "1e9",
    "1.5",
    "tru",
    "null",
    "\\u00",
    "\\",
    " ",
    "\n",
    "é",
    "\ud800",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("")),
  );
  fc.assert(
    fc.property(text, fc.record({ integersOnly: fc.boolean(), maxDepth: fc.nat(8) }), (document, limits) => {
      const result = parseStrictJson(document, limits);
      if (result.ok) {
        expect(result.value).toEqual(JSON.parse(document));
        return;
      }
      expect(result.reason).not.toBe("");
      expect(result.line).toBeGreaterThanOrEqual(1);
      expect(result.column).toBeGreaterThanOrEqual(1);
      expect(result.offset).toBeLessThanOrEqual(document.length + 1);
    }),
    { numRuns: 2000 },
  );
});

test("a document with one changed character is parsed like JSON.parse or refused", () => {
  fc.assert(
    fc.property(
      fc.json(),
      fc.nat(),
      fc.string({ minLength: 0, maxLength: 1, unit: "binary" }),
      (json, at, character) => {
        const index = at % json.length;
        const changed = json.slice(0, index) + character + json.slice(index + 1);
        const result = parseStrictJson(changed);
        if (result.ok) expect(result.value).toEqual(JSON.parse(changed));
      },
    ),
  );
});

test.for([
  ['{"a":1,"a":2}', 'the name "a" stands here for the second time', 1, 8],
  ['{"a":1,"\\u0061":2}', 'the name "a" stands here for the second time', 1, 8],
  ['{\n  "__proto__": {}\n}', 'the name "__proto__" is not allowed', 2, 3],
  ["", "the text is empty", 1, 1],
  [" \r\n ", "the text is empty", 2, 2],
  ['{"a": }', "a value must stand here", 1, 7],
  ['{"a"', "a colon must stand here, after the name", 1, 5],
  ['{"a":1,}', "a comma may not stand before }", 1, 8],
  ["[1,]", "a comma may not stand before ]", 1, 4],
  ["[1 2]", "a comma or ] must stand here", 1, 4],
  ["[1", "a comma or ] must stand here", 1, 3],
  ["{'a':1}", "a name in double quotes must stand here", 1, 2],
  ["{} {}", "the document ends here, but text follows", 1, 4],
  ['"abc', "the text ends inside a string", 1, 5],
  ['"a\nb"', "a control character in a string must be written as an escape", 1, 3],
  ['"\\x41"', "an unknown escape stands here", 1, 2],
  ['"\\', "an unknown escape stands here", 1, 2],
  ['"\\u12g4"', "\\u must be followed by four hexadecimal digits", 1, 2],
  ["01", "this is no number", 1, 1],
  ["1.", "this is no number", 1, 1],
  ["-", "this is no number", 1, 1],
  ["1e", "this is no number", 1, 1],
  ["[1e999]", "this number is too large", 1, 2],
  ["[NaN]", "a value must stand here", 1, 2],
  ["// no\n1", "a value must stand here", 1, 1],
  ["\uFEFF{}", "a byte-order mark may not stand here", 1, 1],
] as const)("refuses %j: %s", ([text, reason, line, column]) => {
  expect(parseStrictJson(text)).toMatchObject({ ok: false, reason, line, column });
});

test("nesting above the limit is refused without deep recursion", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  expect(parseStrictJson(nested(8), { maxDepth: 8 }).ok).toBe(true);
  expect(parseStrictJson(nested(9), { maxDepth: 8 })).toMatchObject({
    reason: "nested more than 8 levels deep",
    offset: 8,
  });
  expect(parseStrictJson(nested(64)).ok).toBe(true);
  expect(parseStrictJson("[".repeat(1_000_000))).toMatchObject({ ok: false, offset: 64 });
  expect(parseStrictJson("7", { maxDepth: 0 })).toEqual({ ok: true, value: 7 });
});

test.for([
  ["2147483647", true],
  ["-2147483647", true],
  ["0", true],
  ["2147483648", false],
  ["1.0", false],
  ["1e2", false],
  ["-0", false],
  ["99999999999999999999", false],
] as const)("with integersOnly up to 2³¹ − 1, %s is accepted: %s", ([text, ok]) => {
  expect(parseStrictJson(text, { integersOnly: true, maxInteger: 2 ** 31 - 1 }).ok).toBe(ok);
});

test("a byte-order mark is skipped if allowed, and has no column", () => {
  expect(parseStrictJson('\uFEFF{"a":1}', { allowByteOrderMark: true })).toEqual({ ok: true, value: { a: 1 } });
  expect(parseStrictJson("\uFEFF{x", { allowByteOrderMark: true })).toMatchObject({ line: 1, column: 2, offset: 2 });
  expect(parseStrictJson("\uFEFF\uFEFF1", { allowByteOrderMark: true }).ok).toBe(false);
});

test("escapes of lone surrogates are parsed like JSON.parse", () => {
  expect(parseStrictJson('"\\ud800x\\udc00"')).toEqual({ ok: true, value: "\ud800x\udc00" });
});

test("names of inherited properties are ordinary members", () => {
  const result = parseStrictJson('{"constructor":1,"toString":{"hasOwnProperty":2}}');
  expect(result).toEqual({ ok: true, value: JSON.parse('{"constructor":1,"toString":{"hasOwnProperty":2}}') });
});

test("records the span of every value and every member's name on request", () => {
  const text = '\uFEFF{"a/b": [1, {"~": "é"}]}';
  const spans = new Map<string, JsonSpan>();
  expect(parseStrictJson(text, { spans, allowByteOrderMark: true }).ok).toBe(true);
  const found = [...spans].map(([pointer, { start, end, name }]) => [
    pointer,
    text.slice(start, end),
    name && text.slice(name.start, name.end),
  ]);
  expect(Object.fromEntries(found.map(([pointer, ...texts]) => [pointer, texts]))).toEqual({
    "": ['{"a/b": [1, {"~": "é"}]}', undefined],
    "/a~1b": ['[1, {"~": "é"}]', '"a/b"'],
    "/a~1b/0": ["1", undefined],
    "/a~1b/1": ['{"~": "é"}', undefined],
    "/a~1b/1/~0": ['"é"', '"~"'],
  });
});

test("lines end with LF, CRLF or CR", () => {
  expect(positionAt("a\nb\r\nc\rd", 8)).toEqual({ line: 4, column: 2 });
  expect(positionAt("a\r\nb", 2)).toEqual({ line: 1, column: 3 });
});
