import { expect, test } from "vitest";
import { ConnectionTurns } from "./connection-turns.ts";

test("gives as many turns as its limit, and the next one when a turn ends", () => {
  const turns = new ConnectionTurns(2);
  const ends: (() => void)[] = [];
  for (let device = 0; device < 4; device++) turns.take((end) => ends.push(end));
  expect(ends).toHaveLength(2);
  ends[0]?.();
  ends[0]?.();
  expect(ends).toHaveLength(3);
  ends[1]?.();
  expect(ends).toHaveLength(4);
});

test("a turn that ends at once lets any number wait before it", () => {
  const turns = new ConnectionTurns(1);
  let first: (() => void) | undefined;
  turns.take((end) => {
    first = end;
  });
  let started = 0;
  for (let device = 0; device < 1_000; device++) {
    turns.take((end) => {
      started++;
      end();
    });
  }
  first?.();
  expect(started).toBe(1_000);
});
