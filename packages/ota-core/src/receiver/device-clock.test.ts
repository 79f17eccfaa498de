import { expect, test } from "vitest";
import { DeviceClock } from "./device-clock.ts";

test("goes on from the time that it was set to", () => {
  const clock = new DeviceClock();
  expect(clock.at(5)).toBeUndefined();
  clock.set(Date.UTC(2026, 0, 1), 1_000);
  expect(clock.isSet).toBe(true);
  expect(clock.at(1_000)).toBe("2026-01-01T00:00:00Z");
  expect(clock.at(62_999)).toBe("2026-01-01T00:01:01Z");
});

test.for([undefined, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 253_402_300_800_000])(
  "counts %s as no time",
  (utc) => {
    const clock = new DeviceClock();
    clock.set(1_000, 0);
    clock.set(utc, 0);
    expect(clock.isSet).toBe(false);
    expect(clock.at(0)).toBeUndefined();
  },
);

test("stops at the end of the year 9999", () => {
  const clock = new DeviceClock();
  clock.set(253_402_300_799_000, 0);
  expect(clock.at(10_000)).toBe("9999-12-31T23:59:59Z");
});
