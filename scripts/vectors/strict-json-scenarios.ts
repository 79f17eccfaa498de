/** Vectors of JSON documents: what a reader refuses, and what it takes. */
import { offerAll, rawEnvelope, rawObject, reconnect, WITHDRAWAL } from "./raw-documents.ts";
import type { VectorScenario } from "./vector-scenario.ts";
import type { VectorScript } from "./vector-script.ts";

/** Values that no document may contain, by the rule that they break. One character is one byte. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  "a word or a bracket is wrong": [
    ...[
      "tru",
      "nulL",
      "fals",
      "x",
      "[",
      "[1",
      "[1,",
      "[1,]",
      "[1 2]",
      "[1}",
      "{",
      '{"a"',
      '{"a":',
      '{"a":1',
      '{"a":1,',
    ],
    ...['{"a":1,}', '{"a":1]', '{"a",1}', "{a:1}", "{1:1}", '{"a', "", ","],
  ],
  "a number has a point or an exponent, is -0, or its magnitude is above 2^31 - 1": [
    ...["-", "-0", "00", "01", "-01", "12345678901", "2147483648", "-2147483648", "1.5", "1.", "1e5", "1E5", "-x"],
  ],
  "a string has a control character, a wrong escape or no end": [
    ...['"', '"a', '"\x01"', '"\\x"', '"\\"', '"\\', '"\\u12"', '"\\u12g4"', '"\\u00G1"', '"\\u00/1"', '"\\u12'],
  ],
  "a letter, a digit or one of +-./:=_ is written as an escape": [
    ...['"\\u0041"', '"\\u007a"', '"\\u002b"', '"\\u002d"', '"\\u003a"', '"\\u003d"', '"\\u005f"', '"\\u0030"'],
  ],
  "an object has a member twice, a name has a backslash in it, or a name is __proto__": [
    ...['{"a":1,"a":2}', '{"a\\n":1}', '{"__proto__":1}', '{"a":{"b":1,"c":2,"b":3}}', '{"\x01":1}'],
  ],
  "objects and arrays are nested more than 8 deep": [
    `${"[".repeat(8)}${"]".repeat(8)}`,
    `${'{"a":'.repeat(8)}1${"}".repeat(8)}`,
  ],
  "the text is not UTF-8": [
    ...["\x80", "\xc1\x81", "\xc3", "\xc3(", "\xe0\x80\x80", "\xe2\x82(", "\xed\xa0\x80", "\xf0\x80\x80\x80"].map(
      (it) => `"${it}"`,
    ),
    ...["\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"].map((it) => `"${it}"`),
  ],
};

/** Values that a reader takes. */
const TAKEN: readonly string[] = [
  ...[" true ", "\t[\r\n]", "{ }", "[ {} , [] ]", "0", "-1", "2147483647", "-2147483647", "false", "null", "[1]"],
  ...['"\\"\\\\\\b\\f\\n\\r\\t"', '"\\u00e9"', '"\\u00E9"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\udc00"', '"\\u0020"'],
  ...[
    '"\\u007f"',
    '"\\u002c"',
    '"\xc3\xa9"',
    '"\xe2\x82\xac"',
    '"\xf0\x9f\x98\x80"',
    '"\xee\x80\x80"',
    '"\xed\x9f\xbf"',
  ],
  ...[`${"[".repeat(7)}${"]".repeat(7)}`, '{"a":{"a":[{"a":1}]}}', '{"proto__":1,"__proto_":2,"_proto___":3}'],
];

const valued = (value: string, sequence = 1): string =>
  rawEnvelope(rawObject({ ...WITHDRAWAL, x: value, sequence: String(sequence) }));

async function start(script: VectorScript): Promise<void> {
  await script.boot();
  await script.run({ type: "connected" });
}

/** Vectors of the JSON that devices read. */
export const STRICT_JSON_SCENARIOS: readonly VectorScenario[] = [
  ...Object.entries(REFUSED).map(
    ([rule, values], index): VectorScenario => ({
      name: `strict-json-${index + 1}`,
      rule: `A document is refused if ${rule}.`,
      async play(script) {
        await start(script);
        await offerAll(
          script,
          values.map((value) => valued(value)),
        );
        await reconnect(script);
        await offerAll(script, [valued("1")]);
      },
    }),
  ),
  {
    name: "json-cut-short",
    rule: "A document is refused if it is not all of one JSON object.",
    async play(script) {
      await start(script);
      const whole = rawObject(WITHDRAWAL);
      const cuts = [0, 1, 3, 8, 9, 10, 11, 12, whole.length - 5, whole.length - 1];
      await offerAll(
        script,
        cuts.map((length) => rawEnvelope(whole.slice(0, length))),
      );
      await offerAll(script, [" ", "[]", "1", "null", '"text"', `${whole}1`, `${whole},`].map(rawEnvelope));
      await reconnect(script);
      await offerAll(script, [rawEnvelope(` ${whole}\n`)]);
    },
  },
  {
    name: "json-that-is-taken",
    rule: "A reader ignores members that it does not know.",
    async play(script) {
      await start(script);
      await offerAll(
        script,
        TAKEN.map((value, index) => valued(value, index + 1)),
      );
      await reconnect(script);
    },
  },
];
