import { expect, test } from "vitest";
import { earliestBuildTime, isEarlier, latestTime } from "./time-floor.ts";

test.for([
  ["Jan  1 2026", "12:00:00", "2025-12-31T22:00:00Z"],
  ["Feb 28 2028", "23:59:59", "2028-02-28T09:59:59Z"],
  ["Mar  1 2028", "00:00:00", "2028-02-29T10:00:00Z"],
  ["", "", undefined],
  ["Jan  1 2026", "", undefined],
  ["2026-01-01", "12:00:00", undefined],
  ["Foo  1 2026", "12:00:00", undefined],
  ["Jan  1 2026", "25:61:00", undefined],
] as const)("an app built on '%s' at '%s' was built after %s", ([date, time, earliest]) => {
  expect(earliestBuildTime({ date, time })).toBe(earliest);
});

test("times are compared to the second, with and without fractions", () => {
  expect(isEarlier("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z")).toBe(true);
  expect(isEarlier("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.500Z")).toBe(false);
  expect(isEarlier("2026-01-01T00:00:00.500Z", "2026-01-01T00:00:00Z")).toBe(false);
});

test("the latest time ignores undefined times", () => {
  expect(latestTime([])).toBeUndefined();
  expect(latestTime([undefined, undefined])).toBeUndefined();
  expect(latestTime(["2026-01-02T00:00:00Z", undefined, "2026-01-01T00:00:00Z"])).toBe("2026-01-02T00:00:00Z");
});
