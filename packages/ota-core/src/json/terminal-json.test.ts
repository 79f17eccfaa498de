import fc from "fast-check";
import { expect, test } from "vitest";
import { terminalJson } from "./terminal-json.ts";

/** DEL and C1, the Bidi_Control characters of Unicode 16, line and paragraph separator; C0 is JSON's own business. */
const OBEYED = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;

test("every control, bidi control and line separator is escaped, as a value and as a name", () => {
  for (let code = 0; code <= 0xffff; code++) {
    const character = String.fromCharCode(code);
    if (!OBEYED.test(character)) continue;
    const text = terminalJson({ [character]: [`a${character}b`] });
    expect(OBEYED.test(text), `U+${code.toString(16)}`).toBe(false);
    expect(JSON.parse(text)).toEqual({ [character]: [`a${character}b`] });
  }
});

test("any document parses to the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), fc.constantFrom(undefined, 2), (value, indent) => {
      expect(JSON.parse(terminalJson(value, indent))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});
