import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "./random.ts";

test("returns the same numbers for the same seed, and others for another", () => {
  const draw = (seed: number) => {
    const random = createRandom(seed);
    return Array.from({ length: 16 }, () => random.uint32());
  };
  expect(draw(0x5eed0042)).toEqual(draw(0x5eed0042));
  expect(draw(0x5eed0042)).not.toEqual(draw(0x5eed0043));
  expect(draw(1)).not.toEqual(draw(1 + 2 ** 32)); // seeds beyond 32 bits count in full
  expect(draw(1)).not.toEqual(draw(-1));
});

test("never changes the numbers of a seed, so that recorded failures can be repeated", () => {
  const random = createRandom(1);
  expect([random.uint32(), random.uint32(), random.float(), random.integer(1, 6)]).toMatchInlineSnapshot(`
    [
      3387734806,
      1080862987,
      0.8257388820225807,
      2,
    ]
  `);
});

test("returns integers within their bounds, including both", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: -1000, max: 1000 }), fc.nat(40), (seed, min, span) => {
      const random = createRandom(seed);
      const drawn = new Set(Array.from({ length: 40 * (span + 1) }, () => random.integer(min, min + span)));
      return [...drawn].every((value) => Number.isInteger(value) && value >= min && value <= min + span);
    }),
    { numRuns: 50 },
  );
  const random = createRandom(7);
  const dice = Array.from({ length: 6_000 }, () => random.integer(1, 6));
  for (const face of [1, 2, 3, 4, 5, 6]) {
    expect(dice.filter((value) => value === face).length).toBeGreaterThan(850);
  }
  expect(random.integer(5, 5)).toBe(5);
  expect(() => random.integer(2, 1)).toThrow(RangeError);
});

test("has even probabilities and bits", () => {
  const random = createRandom(3);
  const count = (probability: number) =>
    Array.from({ length: 10_000 }, () => random.bool(probability)).filter(Boolean).length;
  expect(count(0)).toBe(0);
  expect(count(1)).toBe(10_000);
  expect(Math.abs(count(0.1) - 1_000)).toBeLessThan(150);
  const ones = random.bytes(10_000).reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
  expect(Math.abs(ones - 40_000)).toBeLessThan(800);
});

test("determines a fork by the seed, independent of its parent", () => {
  const [left, right] = [createRandom(9), createRandom(9)];
  const [leftFork, rightFork] = [left.fork(), right.fork()];
  left.bytes(100); // only one of the parents goes on
  expect(leftFork.bytes(32)).toEqual(rightFork.bytes(32));
});
