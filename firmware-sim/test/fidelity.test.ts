// That the page about fidelity says what the tests say, and that no row of the reference is without a test.

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fidelityPage, shownBehaviours } from "../../scripts/generate-fidelity.ts";

const numbersOf = (kind: string) =>
  shownBehaviours()
    .filter((behaviour) => behaviour.kind === kind)
    .map(({ number }) => number);

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test("every one of the 64 rows has one test, and every vector", () => {
  expect(numbersOf("row")).toEqual(upTo(64));
  expect(numbersOf("vector")).toEqual(upTo(3));
});

test("every finding about otadata and every trap of the field has a test", () => {
  expect([...new Set(numbersOf("finding"))]).toEqual(upTo(4));
  expect([...new Set(numbersOf("trap"))]).toEqual(upTo(3));
});

test("no test that names a row is missed by the page", () => {
  const folder = new URL("edge-cases/", import.meta.url);
  const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), "utf8"));
  const named = sources.flatMap((source) => source.match(/"(?:row|vector|finding|trap) \d+[ :]/g) ?? []);
  expect(shownBehaviours()).toHaveLength(named.length);
});

test("docs/fidelity.md is up to date (node scripts/generate-fidelity.ts)", () => {
  expect(readFileSync(new URL("../../docs/fidelity.md", import.meta.url), "utf8")).toBe(fidelityPage());
});
