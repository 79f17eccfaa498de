import { expect, test } from "vitest";
import { fuzzTarget } from "../scripts/fuzz/fuzz-target.ts";
import { COUNTERS_NAME, insertCounters } from "../scripts/fuzz/instrument.ts";
import * as core from "../scripts/fuzz/library.ts";
import { targetsOf } from "../scripts/fuzz/targets.ts";

/** Ends badly for inputs that begin with five bytes out of 2⁴⁰. */
const BURIED = `(bytes: Uint8Array): string => {
  if (bytes[0] !== 0x54) return "no magic";
  switch (bytes[1]) {
    case 0x42: {
      const version: number = bytes[2] ?? 0;
      return version === 7 && bytes[3] === 0xc0 ? bytes[4] === 0x11 ? fail() : "near" : "wrong version";
    }
    default:
      return "no second byte";
  }
}`;

/** The function of a source with counters in it, types taken away. */
function instrumented(source: string): { readonly run: (bytes: Uint8Array) => unknown; readonly counters: Uint8Array } {
  const { code, next } = insertCounters(`const run = ${source};`, 0);
  const plain = code.replaceAll(/: (?:Uint8Array|string|number)\b/g, "");
  const counters = new Uint8Array(4 * Math.ceil(next / 4));
  Object.assign(globalThis, { [COUNTERS_NAME]: counters });
  const fail = (): never => {
    throw new TypeError("buried");
  };
  return { run: new Function("fail", `${plain} return run;`)(fail), counters };
}

const target = (run: (bytes: Uint8Array) => unknown) => ({
  ...{ name: "buried", sizeMax: 16, seeds: [new Uint8Array(8)] },
  run: (bytes: Uint8Array): void => void run(bytes),
});

test("counters change nothing but themselves, and each branch has its own", () => {
  const { run, counters } = instrumented(BURIED);
  const plain = new Function("fail", `return ${BURIED.replaceAll(/: (?:Uint8Array|string|number)\b/g, "")}`)(() => {});
  const inputs = [[], [0x54], [0x54, 0x42, 6], [0x54, 0x42, 7], [0x54, 0x42, 7, 0xc0]].map((bytes) =>
    Uint8Array.from(bytes),
  );
  const paths = inputs.map((input) => {
    counters.fill(0);
    expect(run(input)).toBe(plain(input));
    return counters.join();
  });
  expect(new Set(paths).size).toBe(inputs.length);
});

test("what lies behind five bytes is found by going from branch to branch, and not without", () => {
  const { run, counters } = instrumented(BURIED);
  const guided = fuzzTarget(target(run), { executions: 500_000, seed: 1 }, counters, () => false);
  expect(guided.finding?.error).toMatchObject({ message: "buried" });
  expect([...(guided.finding?.input ?? [])].slice(0, 5)).toEqual([0x54, 0x42, 7, 0xc0, 0x11]);
  const blind = fuzzTarget(target(run), { executions: guided.executions, seed: 1 }, new Uint8Array(4), () => false);
  expect(blind.finding).toBeUndefined();
});

test("the same seed and number of executions come to the same end, another seed to another", () => {
  const { run, counters } = instrumented(BURIED);
  const corpusOf = (seed: number) => fuzzTarget(target(run), { executions: 20_000, seed }, counters, () => true).corpus;
  expect(corpusOf(7)).toEqual(corpusOf(7));
  expect(corpusOf(7)).not.toEqual(corpusOf(8));
});

test("every parser that ota-core exports is fuzzed", () => {
  const parsers = Object.entries(core)
    .filter(
      ([name, value]) => typeof value === "function" && /^(?:parse|read|inspect|decode[A-Z]|decrypt)[A-Z]/.test(name),
    )
    .map(([name]) => name);
  const fuzzed = targetsOf(core).map(({ name }) => name);
  expect(parsers.length).toBeGreaterThan(30);
  expect(parsers.filter((name) => !fuzzed.includes(name))).toEqual([]);
  expect(new Set(fuzzed).size).toBe(fuzzed.length);
  for (const name of fuzzed) expect(core).toHaveProperty(name);
});

test("every parser begins with an input that it takes", () => {
  for (const { name, seeds, sizeMax, run } of targetsOf(core)) {
    expect(() => run(seeds[0] ?? new Uint8Array()), name).not.toThrow();
    for (const seed of seeds) expect(seed.length, name).toBeLessThanOrEqual(sizeMax);
  }
});
