import { expect, test } from "vitest";
import { FlashTurns } from "./flash-turns.ts";
import type { ReceiverAction } from "./receiver-events.ts";

const read: ReceiverAction = { type: "read-flash", offset: 0, length: 4096 };
const erase: ReceiverAction = { type: "erase-sector", offset: 0 };
const other: ReceiverAction = { type: "clear-timer", timer: "request" };

test("passes one operation at a time, and everything else", () => {
  const turns = new FlashTurns();
  expect(turns.pass([other, read])).toEqual([other, read]);
  expect(turns.answered()).toBeUndefined();
  expect(turns.pass([erase, other])).toEqual([erase, other]);
});

test("holds an operation until the one before it is answered", () => {
  const turns = new FlashTurns();
  turns.pass([read]);
  expect(turns.pass([other, erase])).toEqual([other]);
  const held = turns.answered();
  expect(held).toBe(erase);
  expect(turns.pass([erase])).toEqual([erase]);
  expect(turns.answered()).toBeUndefined();
});
