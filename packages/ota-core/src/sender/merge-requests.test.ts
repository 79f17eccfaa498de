import fc from "fast-check";
import { expect, test } from "vitest";
import { clipRanges, RequestUnion } from "./merge-requests.ts";

function drain(union: RequestUnion): number[] {
  const taken: number[] = [];
  union.start();
  while (union.running) taken.push(union.take());
  return taken;
}

test("charges a chunk to the device that requests it first, and half of it to the next", () => {
  const union = new RequestUnion(8);
  const first = { credit: 8 };
  const second = { credit: 8 };
  union.ask(first, [[0, 4]]);
  expect(first.credit).toBe(4);
  union.ask(first, [[0, 4]]);
  expect(first.credit).toBe(4);
  union.ask(second, [[2, 3]]);
  expect([first.credit, second.credit]).toEqual([5, 6]);
  const third = { credit: 8 };
  union.ask(third, [[2, 2]]);
  expect([first.credit, second.credit, third.credit]).toEqual([5, 6, 8]);
  expect(drain(union)).toEqual([1, 2, 3, 4, 0]);
});

test("refuses what an account can't pay, unless other devices wait for it", () => {
  const union = new RequestUnion(8);
  const poor = { credit: 1 };
  union.ask({ credit: 2 }, [[4, 2]]);
  expect(union.ask(poor, [[0, 8]])).toEqual([0, 2, 3, 6, 7]);
  expect(drain(union)).toEqual([1, 4, 5]);
});

test("sends chunk 0 again to a device that joins late, with the rest in one round", () => {
  const union = new RequestUnion(4);
  union.ask({ credit: 4 }, [[0, 4]]);
  union.start();
  expect([union.take(), union.take()]).toEqual([1, 2]);
  union.ask({ credit: 4 }, [[0, 4]]);
  expect([union.take(), union.take()]).toEqual([3, 0]);
  expect(union.running).toBe(false);
  expect(drain(union)).toEqual([1, 2, 0]);
});

test("gathers chunks sent without effect with the rest of the round and the waiting ones", () => {
  const union = new RequestUnion(6);
  const account = { credit: 6 };
  union.ask(account, [[0, 5]]);
  union.start();
  for (let taken = 0; taken < 3; taken++) union.take();
  union.ask({ credit: 6 }, [[1, 1]]);
  union.rewind([2, 3]);
  expect(union.running).toBe(false);
  expect(drain(union)).toEqual([1, 2, 3, 4, 0]);
  expect(account.credit).toBe(1);
});

test("clips ranges to the image: ascending, separate, and equal to what was requested of it", () => {
  const range = fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 40 }));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 10 }), fc.integer({ min: 1, max: 30 }), (ranges, chunkCount) => {
      const sorted = [...ranges].sort((left, right) => left[0] - right[0]);
      const clipped = clipRanges(sorted, chunkCount);
      const indices = clipped.flatMap(([first, count]) => Array.from({ length: count }, (_, step) => first + step));
      const named = new Set(
        sorted.flatMap(([first, count]) => Array.from({ length: count }, (_, step) => first + step)),
      );
      expect(indices).toEqual([...named].filter((index) => index < chunkCount).sort((left, right) => left - right));
    }),
  );
});

test("ignores ranges that step back into earlier ones", () => {
  expect(
    clipRanges(
      [
        [5, 3],
        [0, 7],
        [6, 4],
      ],
      9,
    ),
  ).toEqual([
    [5, 3],
    [8, 1],
  ]);
});

test("sends every paid chunk once, with chunk 0 last in its round", () => {
  const ask = fc.record({ first: fc.nat(9), count: fc.integer({ min: 1, max: 10 }), takes: fc.nat(4) });
  fc.assert(
    fc.property(fc.array(ask, { maxLength: 20 }), (asks) => {
      const union = new RequestUnion(10);
      const account = { credit: 60 };
      let sent = 0;
      const take = (): void => {
        if (!union.running) union.start();
        if (!union.running) return;
        const index = union.take();
        sent++;
        if (index === 0) expect(union.running).toBe(false);
      };
      for (const { first, count, takes } of asks) {
        union.ask(account, clipRanges([[first, count]], 10));
        for (let taken = 0; taken < takes; taken++) take();
      }
      while (union.pending > 0) take();
      expect(sent).toBe(60 - account.credit);
    }),
  );
});
