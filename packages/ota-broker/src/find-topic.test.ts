import { topicsOf } from "@tinybms/ota-core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { findTopic, rootOf } from "./find-topic.ts";

test("gives the same answer for a topic however many others came before", () => {
  const roots = fc.constantFrom("a", "a/b", "a/v1/device", "x/v1/offer");
  const topic = fc.oneof(
    roots.map((root) => topicsOf(root).offer),
    fc.tuple(roots, fc.stringMatching(/^[a-z0-9]{1,4}$/)).map(([root, device]) => topicsOf(root).state(device)),
    fc.string({ maxLength: 400 }),
  );
  const answers = new Map<string, unknown>();
  const check = (text: string): void => {
    const answer = { parsed: findTopic(text, undefined), root: rootOf(text) };
    if (answers.has(text)) expect(answer).toEqual(answers.get(text));
    answers.set(text, answer);
  };
  fc.assert(
    fc.property(fc.array(topic, { maxLength: 40 }), (topics) => {
      for (const text of topics) check(text);
    }),
  );
  // More topics than are remembered: all are looked up anew.
  for (const text of [...answers.keys()]) check(text);
});

test("finds the shortest root of a topic that has several", () => {
  for (let time = 0; time < 2; time++) {
    expect(rootOf("a/v1/device/bench-1/state")).toBe("a");
    expect(rootOf("a/b/v1/offer")).toBe("a/b");
    expect(findTopic("a/v1/offer", ["b"])).toBeUndefined();
    expect(findTopic("a/v1/offer", ["b", "a"])).toEqual({ kind: "offer" });
    expect(rootOf("a/v2/offer")).toBeUndefined();
  }
});
