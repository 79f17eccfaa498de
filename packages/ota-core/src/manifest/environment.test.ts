// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how manifests name variables.
import fc from "fast-check";
import { expect, test } from "vitest";
import { isOtaError } from "../errors.ts";
import { channelsFromEnvironment, expandEnvironment } from "./environment.ts";

const ENV = { USER_1: "ops", EMPTY: "", _P: "p$USER_1", HOST: "broker.example" };

const expand = (text: string) => {
  const { channels, unset, malformed } = expandEnvironment({ mqtt: { password: text } }, ENV);
  return { text: channels.mqtt?.password, unset: unset.map(({ name }) => name), isMalformed: malformed.length > 0 };
};

test.for([
  ["$USER_1", "ops"],
  ["${USER_1}x", "opsx"],
  ["a-$USER_1/$HOST:1", "a-ops/broker.example:1"],
  ["${USER_1:-x}", "ops"],
  ["${MISSING:-x y}", "x y"],
  ["${MISSING:-}", ""],
  ["${EMPTY:-x}", "x"],
  ["$EMPTY", ""],
  ["pa$$word", "pa$word"],
  ["$$USER_1", "$USER_1"],
  ["$${USER_1}", "${USER_1}"],
  ["$$$USER_1", "$ops"],
  // What a variable holds is no text to expand.
  ["$_P", "p$USER_1"],
  ["5$", "5$"],
  ["$5 $- $", "$5 $- $"],
  ["", ""],
] as const)("%j becomes %j", ([text, expanded]) => {
  expect(expand(text)).toEqual({ text: expanded, unset: [], isMalformed: false });
});

test.for(["$MISSING", "${MISSING}", "$constructor", "${toString}", "$__proto__"])(
  "%s is unset and stays in the text",
  (text) => {
    expect(expand(text)).toEqual({ text, unset: [text.replaceAll(/[${}]/g, "")], isMalformed: false });
  },
);

test.for(["${", "a${USER-x}", "${1}", "${USER_1", "${}", "${A:-$B}", "${A:?no}"])("%s is not a reference", (text) => {
  expect(expand(text).isMalformed).toBe(true);
});

test("strings at any depth are expanded, and nothing else", () => {
  const channels = {
    mqtt: { broker: "mqtts://$HOST", qos: 1 as const, retain: false },
    https: { headers: { "X-$HOST": "$USER_1", "a/b": "$A" } },
    pigeon: { names: ["$B", { deep: "${C}" }], none: null },
  };
  const result = expandEnvironment(channels, ENV);
  expect(result.channels).toEqual({
    mqtt: { broker: "mqtts://broker.example", qos: 1, retain: false },
    https: { headers: { "X-$HOST": "ops", "a/b": "$A" } },
    pigeon: { names: ["$B", { deep: "${C}" }], none: null },
  });
  expect(result.unset).toEqual([
    { name: "A", pointer: "/https/headers/a~1b" },
    { name: "B", pointer: "/pigeon/names/0" },
    { name: "C", pointer: "/pigeon/names/1/deep" },
  ]);
  expect(channels.mqtt.broker).toBe("mqtts://$HOST");
});

test("a delivery reports every unset variable once, and no value", () => {
  const channels = { mqtt: { broker: "mqtts://ops:hunter2@$A", username: "$B", password: "$A$B$USER_1" } };
  expect(() => channelsFromEnvironment(channels, ENV, "ota/manifest.json")).toThrow(
    "ota/manifest.json: channel mqtt/broker, mqtt/username, mqtt/password: the environment variables A, B are unset",
  );
  try {
    channelsFromEnvironment(channels, ENV, "m");
  } catch (error) {
    expect(isOtaError(error, "manifest/variable-unset") && error.details.variables).toEqual(["A", "B"]);
    expect(JSON.stringify(error)).not.toMatch(/hunter2/);
  }
  expect(() => channelsFromEnvironment({ mqtt: { password: "hunter2${" } }, ENV, "m")).toThrow(
    /^m: channel mqtt\/password: a variable is written \$NAME/,
  );
  expect(channelsFromEnvironment({ mqtt: { topic: "$HOST" } }, ENV, "m")).toEqual({
    mqtt: { topic: "broker.example" },
  });
});

test("any text is expanded without an exception, and unchanged if escaped", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[${}A:_-]{0,20}$/));
  fc.assert(
    fc.property(text, (value) => {
      expand(value);
      expect(expand(value.replaceAll("$", "$$$$"))).toEqual({ text: value, unset: [], isMalformed: false });
    }),
  );
});

test("terminates on a mebibyte of incomplete references", () => {
  for (const piece of ["${A:-", "$", "${", "${A"]) {
    const text = piece.repeat(2 ** 20 / piece.length);
    expect(expand(text)?.text?.length, piece).toBeLessThanOrEqual(text.length);
  }
});
