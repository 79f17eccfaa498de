import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffDelayMs, retryAfterMs } from "./retry-wait.ts";

test("waits double up to a limit, and chance takes up to half of them", () => {
  expect([1, 2, 3, 4, 5, 6, 7].map((attempt) => backoffDelayMs(attempt, 0))).toEqual([
    500, 1000, 2000, 4000, 8000, 15_000, 15_000,
  ]);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, random) => {
        const full = backoffDelayMs(attempt, 0);
        const delay = backoffDelayMs(attempt, random);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(full / 2));
        expect(delay).toBeLessThanOrEqual(full);
      },
    ),
  );
});

const NOW = Date.UTC(2026, 10, 24, 12, 0, 0);

test.for([
  ["0", 0],
  ["120", 120_000],
  [" 5 ", 5000],
  ["Tue, 24 Nov 2026 12:00:30 GMT", 30_000],
  ["Tue, 24 Nov 2026 11:00:00 GMT", 0],
  ["-1", undefined],
  ["1.5", undefined],
  ["99999999999", undefined],
  ["tomorrow", undefined],
  ["2026-11-24T12:00:30Z", undefined],
  ["Tue, 99 Nov 2026 12:00:30 GMT", undefined],
  [undefined, undefined],
] as const)("Retry-After %s is %s ms", ([value, expected]) => {
  expect(retryAfterMs(value, NOW)).toBe(expected);
});

test("any Retry-After is a wait that is not negative, or none", () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      expect(retryAfterMs(value, NOW) ?? 0).toBeGreaterThanOrEqual(0);
    }),
  );
});
