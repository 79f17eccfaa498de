// That the page about fidelity says what the tests say, and that no row of the reference is without a test.

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fidelityPage, shownBehaviours } from "../../scripts/generate-fidelity.ts";

const numbersOf = (kind: string) =>
  shownBehaviours()
    .filter((behaviour) => behaviour.kind === kind)
    .map(({ number }) => number);

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test("has one test for each of the 64 rows and for each vector", () => {
  expect(numbersOf("row")).toEqual(upTo(64));
  expect(numbersOf("vector")).toEqual(upTo(3));
});

test("has a test for each otadata finding and each field trap", () => {
  expect([...new Set(numbersOf("finding"))]).toEqual(upTo(4));
  expect([...new Set(numbersOf("trap"))]).toEqual(upTo(3));
});

test("lists every test that names a row on the page", () => {
  const folder = new URL("edge-cases/", import.meta.url);
  const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), "utf8"));
  const named = sources.flatMap((source) => source.match(/"(?:row|vector|finding|trap) \d+[ :]/g) ?? []);
  expect(shownBehaviours()).toHaveLength(named.length);
});

test("has an up-to-date docs/fidelity.md (node scripts/generate-fidelity.ts)", () => {
  expect(readFileSync(new URL("../../docs/fidelity.md", import.meta.url), "utf8")).toBe(fidelityPage());
});
