import { expect, test } from "vitest";
import { SendingTurn } from "./sending-turn.ts";

const turnOf = (random: number, gapMs = 0): SendingTurn => new SendingTurn(() => random, 10, gapMs);

test("waits for 3 to 6 s of silence before the first chunk, and not before the next", () => {
  for (const [random, waitMs] of [
    [0, 3_000],
    [0.5, 4_500],
    [0.999, 5_997],
  ] as const) {
    const turn = turnOf(random);
    expect(turn.readyAt(1_000)).toBe(1_000 + waitMs);
    expect(turn.readyAt(2_000)).toBe(1_000 + waitMs);
    expect(turn.readyAt(9_000)).toBe(9_000);
    turn.sent(1);
    turn.idle();
    expect(turn.readyAt(90_000)).toBe(90_000);
  }
});

test("waits anew after a chunk of another publisher, and after a time with nothing to send", () => {
  const turn = turnOf(0);
  expect(turn.readyAt(0)).toBe(3_000);
  turn.idle();
  expect(turn.readyAt(2_000)).toBe(5_000);
  turn.sent(1);
  expect(turn.hear(2)).toBe(true);
  expect(turn.readyAt(6_000)).toBe(9_000);
});

test("waits for four gaps between chunks where the rate leaves longer ones", () => {
  expect(turnOf(0, 2_000).readyAt(0)).toBe(8_000);
});

test("takes as many chunks for its own as it sent, until the connection is lost", () => {
  const turn = turnOf(0);
  turn.sent(3);
  turn.sent(3);
  expect([turn.hear(3), turn.hear(3)]).toEqual([false, false]);
  expect(turn.readyAt(0)).toBe(0);
  expect(turn.hear(3)).toBe(true);
  turn.sent(4);
  turn.disconnect();
  expect(turn.readyAt(0)).toBe(3_000);
  expect(turn.hear(4)).toBe(true);
});
