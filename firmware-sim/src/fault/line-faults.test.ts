import { expect, test } from "vitest";
import { createRandom } from "../random/random.ts";
import { LineFaults, type LineOutcome } from "./line-faults.ts";
import { parseFault } from "./parse-fault.ts";

function lineWith(...faults: readonly string[]): LineFaults {
  return new LineFaults(faults.map(parseFault), "bench-1", createRandom(1));
}

function bytesOf(outcomes: readonly LineOutcome[]): readonly number[] {
  return outcomes.flatMap((outcome) => (outcome.type === "pass" ? [...outcome.bytes] : []));
}

const TEN = Uint8Array.from({ length: 10 }, (_, index) => index);

test("passes all bytes without faults", () => {
  const line = lineWith("bench-2:line-lose=to-board,probability=1", "bench-1:line-lose=to-host,probability=1");
  expect(line.outcomesOf("to-board", TEN)).toEqual([{ type: "pass", bytes: TEN }]);
  expect(line.outcomesOf("to-host", TEN)).toEqual([]);
});

test("loses the n-th byte, counted over all pieces", () => {
  const line = lineWith("bench-1:line-lose=to-board,atByte=13");
  expect(bytesOf(line.outcomesOf("to-board", TEN))).toEqual([...TEN]);
  expect(bytesOf(line.outcomesOf("to-board", TEN))).toEqual([0, 1, 3, 4, 5, 6, 7, 8, 9]);
});

test("flips one bit of a byte, and inserts a byte before another", () => {
  const flipped = bytesOf(lineWith("*:line-flip=to-board,atByte=3").outcomesOf("to-board", TEN));
  const difference = (flipped[2] ?? 0) ^ 2;
  expect(difference !== 0 && (difference & (difference - 1)) === 0).toBe(true);
  expect(flipped.toSpliced(2, 1)).toEqual([0, 1, 3, 4, 5, 6, 7, 8, 9]);
  const inserted = bytesOf(lineWith("*:line-insert=to-board,atByte=3").outcomesOf("to-board", TEN));
  expect(inserted.toSpliced(2, 1)).toEqual([...TEN]);
});

test("delays the bytes after a stall, and drops those after an unplug", () => {
  const line = lineWith("*:line-stall=to-host,atByte=3,stallMs=50", "*:line-unplug=to-host,atByte=6");
  expect(line.outcomesOf("to-host", TEN)).toEqual([
    { type: "pass", bytes: TEN.slice(0, 2) },
    { type: "stall", durationMs: 50 },
    { type: "pass", bytes: TEN.slice(2, 5) },
    { type: "unplug" },
  ]);
});

test("hits with the given probability, and the same bytes for the same seed", () => {
  const line = () => lineWith("*:line-lose=to-board,probability=0.01");
  const many = new Uint8Array(20_000).map((_, index) => index);
  const left = bytesOf(line().outcomesOf("to-board", many));
  expect(many.length - left.length).toBeGreaterThan(120);
  expect(many.length - left.length).toBeLessThan(280);
  expect(bytesOf(line().outcomesOf("to-board", many))).toEqual(left);
});
