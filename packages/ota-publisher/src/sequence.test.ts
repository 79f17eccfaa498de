import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nextCounter, type OfferCounter, readCounter, recordCounter, sequenceFileOf } from "./sequence.ts";

let folder = "";
let file = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tinybms-sequence-"));
  file = sequenceFileOf(folder);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.for<[OfferCounter | undefined, OfferCounter[], OfferCounter]>([
  [undefined, [], [1, 1]],
  [[1, 7], [], [1, 8]],
  [undefined, [[1, 5000]], [1, 5001]],
  [[1, 7], [[1, 3]], [1, 8]],
  [
    [1, 7],
    [
      [1, 3],
      [1, 1007],
    ],
    [1, 1008],
  ],
  [[1, 900], [[2, 4]], [2, 5]],
  [[3, 2], [[2, 900]], [3, 3]],
])("after %j here and %j on the broker comes %j", ([recorded, retained, expected]) => {
  expect(nextCounter(recorded, retained)).toEqual(expected);
});

test.for<[OfferCounter | undefined, OfferCounter]>([
  [
    [1, 7],
    [1, 1008],
  ],
  [
    [1, 7],
    [2, 1001],
  ],
  [undefined, [1, 2 ** 31 - 1]],
])("after %j here an offer %j on the broker is refused", ([recorded, retained]) => {
  expect(() => nextCounter(recorded, [retained])).toThrow(
    expect.objectContaining({ code: "delivery/sequence-jump", details: { from: expect.any(Number), to: retained[1] } }),
  );
});

test("the next counter is above every one that was seen", () => {
  const counter = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 900 }));
  fc.assert(
    fc.property(fc.option(counter, { nil: undefined }), fc.array(counter), (recorded, retained) => {
      const [epoch, sequence] = nextCounter(recorded, retained);
      for (const seen of recorded === undefined ? retained : [recorded, ...retained]) {
        expect(epoch > seen[0] || (epoch === seen[0] && sequence > seen[1])).toBe(true);
      }
    }),
  );
});

test("a record is kept for each topic, also for one named like a member of every object", async () => {
  expect(await readCounter(file, "a")).toBeUndefined();
  expect(existsSync(file)).toBe(false);
  await recordCounter(file, "b", [1, 2]);
  await recordCounter(file, "a", [1, 5]);
  await recordCounter(file, "__proto__", [1, 9]);
  expect(await readCounter(file, "b")).toEqual([1, 2]);
  expect(await readCounter(file, "a")).toEqual([1, 5]);
  expect(await readCounter(file, "__proto__")).toEqual([1, 9]);
  expect(await readCounter(file, "constructor")).toBeUndefined();
  expect(Object.keys(JSON.parse(readFileSync(file, "utf8")).topics)).toEqual(["__proto__", "a", "b"]);
});

test.for([
  "",
  "{",
  "[]",
  '{"topics": []}',
  '{"topics": {"a": [1]}}',
  '{"topics": {"a": [1, -1]}}',
  '{"topics": {"a": [1, 1.5]}}',
])("a record that holds %j is refused, and stays as it is", async (text) => {
  await recordCounter(file, "a", [1, 1]);
  writeFileSync(file, text);
  await expect(readCounter(file, "a")).rejects.toMatchObject({ code: "manifest/unreadable", details: { file } });
  await expect(recordCounter(file, "a", [1, 2])).rejects.toMatchObject({ code: "manifest/unreadable" });
  expect(readFileSync(file, "utf8")).toBe(text);
});
