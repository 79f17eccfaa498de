import { expect, test } from "vitest";
import { SenderOutbox } from "./sender-outbox.ts";

test("returns each action once, in order, with ids of their own for publishes", () => {
  const out = new SenderOutbox();
  const payload = Uint8Array.of(1);
  out.subscribe(["a", "b"]);
  expect([out.publishRetained("a", payload), out.publishRetained("b", payload), out.newId()]).toEqual([1, 2, 3]);
  expect(out.take().map((action) => ("topic" in action ? action.topic : action.type))).toEqual(["a", "b", "a", "b"]);
  expect(out.take()).toEqual([]);
});

test("takes a timer when it is due, once, and sets one again that fired early", () => {
  const out = new SenderOutbox();
  out.setTimer("gather", 200);
  out.take();
  expect(out.takeTimer("gather", 199)).toBe(false);
  expect(out.take()).toEqual([{ type: "set-timer", timer: "gather", at: 200 }]);
  expect(out.takeTimer("gather", 200)).toBe(true);
  expect(out.takeTimer("gather", 201)).toBe(false);
  expect(out.timerAt("gather")).toBeUndefined();
});

test("clears only timers that are set", () => {
  const out = new SenderOutbox();
  out.setTimer("pace", 1);
  out.setTimer("silence", 2);
  out.clearTimer("gather");
  out.clearTimer("pace");
  out.clearTimers();
  expect(out.take().slice(2)).toEqual([
    { type: "clear-timer", timer: "pace" },
    { type: "clear-timer", timer: "silence" },
  ]);
});
