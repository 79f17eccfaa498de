import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { acquireLock } from "@tinybms/ota-core/node";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nextCounter, type OfferCounter, readCounter, sequenceFileOf, takeCounter } from "./sequence.ts";

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
])("after %j here and %j on the broker, the next counter is %j", ([recorded, retained, expected]) => {
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

/** Takes the next number of a topic; the broker keeps no offer. */
const take = (topicRoot: string, retained: readonly OfferCounter[] = []): Promise<OfferCounter> =>
  takeCounter(file, { topicRoot, retained, keyEpoch: undefined });

test("a record is kept for each topic, also for one named like a member of every object", async () => {
  expect(await readCounter(file, "a")).toBeUndefined();
  expect(existsSync(file)).toBe(false);
  expect(await take("b", [[1, 1]])).toEqual([1, 2]);
  expect(await take("a", [[1, 4]])).toEqual([1, 5]);
  expect(await take("__proto__", [[1, 8]])).toEqual([1, 9]);
  expect(await readCounter(file, "b")).toEqual([1, 2]);
  expect(await readCounter(file, "a")).toEqual([1, 5]);
  expect(await readCounter(file, "__proto__")).toEqual([1, 9]);
  expect(await readCounter(file, "constructor")).toBeUndefined();
  expect(Object.keys(JSON.parse(readFileSync(file, "utf8")).topics)).toEqual(["__proto__", "a", "b"]);
  expect(readdirSync(dirname(file))).toEqual(["sequence.json"]);
});

test("counters taken at the same time are different", async () => {
  const taken = await Promise.all(Array.from({ length: 20 }, () => take("a")));
  expect(taken.map(([, sequence]) => sequence).sort((left, right) => left - right)).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
});

test("waits for the lock of a running command until the signal is aborted", async () => {
  await take("a");
  const lock = await acquireLock(`${file}.lock`, { timeoutMs: 0 });
  const interrupt = new AbortController();
  const waiting = takeCounter(file, { topicRoot: "a", retained: [], keyEpoch: undefined, signal: interrupt.signal });
  interrupt.abort(new Error("interrupted"));
  await expect(waiting).rejects.toThrow("interrupted");
  lock.release();
  expect(await take("a")).toEqual([1, 2]);
});

test.for([
  "",
  "{",
  "[]",
  '{"topics": []}',
  '{"topics": {"a": [1]}}',
  '{"topics": {"a": [1, -1]}}',
  '{"topics": {"a": [1, 1.5]}}',
])("refuses a record that contains %j, and leaves it unchanged", async (text) => {
  await take("a");
  writeFileSync(file, text);
  await expect(readCounter(file, "a")).rejects.toMatchObject({ code: "manifest/unreadable", details: { file } });
  await expect(take("a")).rejects.toMatchObject({ code: "manifest/unreadable" });
  expect(readFileSync(file, "utf8")).toBe(text);
});
