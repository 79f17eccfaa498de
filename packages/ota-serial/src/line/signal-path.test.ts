import { expect, test } from "vitest";
import type { Signals } from "./serial-line.ts";
import { signalPath } from "./signal-path.ts";

const ALL: readonly Signals[] = [
  { dtr: false, rts: false },
  { dtr: false, rts: true },
  { dtr: true, rts: false },
  { dtr: true, rts: true },
];
const PAIRS = ALL.flatMap((before) => ALL.map((after) => [before, after] as const));

/** Whether the transistors of a board hold EN low. */
const isInReset = ({ dtr, rts }: Signals): boolean => rts && !dtr;

test.for(PAIRS)("from %j to %j changes one line at a time, and EN is never low in between", ([before, after]) => {
  const path = signalPath(before, after);
  expect([before, ...path].at(-1)).toEqual(after);
  expect(path.slice(0, -1).some(isInReset)).toBe(false);
  for (const [index, state] of path.entries()) {
    const previous = path[index - 1] ?? before;
    expect([state.dtr !== previous.dtr, state.rts !== previous.rts].filter(Boolean)).toHaveLength(1);
  }
});

test("from reset into the loader IO0 falls before EN rises", () => {
  expect(signalPath({ dtr: false, rts: true }, { dtr: true, rts: false })[0]).toEqual({ dtr: true, rts: true });
});
