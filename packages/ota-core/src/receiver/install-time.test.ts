import fc from "fast-check";
import { expect, test } from "vitest";
import { timeOfUtc } from "../signing/time-floor.ts";
import { type InstallSchedule, nextInstallTime } from "./install-time.ts";

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const NOON = Date.UTC(2026, 2, 1, 12);

const anyTime = fc.integer({ min: 0, max: 4_000_000_000_000 });

const anySchedule: fc.Arbitrary<InstallSchedule> = fc.record(
  {
    install_after: anyTime.map(timeOfUtc),
    between: fc.record(
      {
        start_minute: fc.integer({ min: 0, max: 1439 }),
        minutes: fc.integer({ min: 1, max: 1440 }),
        offset_minutes: fc.integer({ min: -840, max: 840 }),
      },
      { requiredKeys: ["start_minute", "minutes"] },
    ),
  },
  { requiredKeys: [] },
);

/** Whether the clock on the wall shows a minute of the window. */
function isOpen({ between }: InstallSchedule, utc: number): boolean {
  if (between === undefined) return true;
  const { start_minute: start, minutes, offset_minutes: offset = 0 } = between;
  const wall = new Date(utc + offset * MINUTE + DAY);
  const minute = wall.getUTCHours() * 60 + wall.getUTCMinutes();
  return Array.from({ length: Math.ceil(minutes / 1440) + 1 }, (_, day) => minute + day * 1440).some(
    (at) => at >= start && at < start + minutes,
  );
}

test("finds the first moment that is not early and lies in the window", () => {
  fc.assert(
    fc.property(anySchedule, anyTime, (schedule, utc) => {
      const found = nextInstallTime(schedule, utc);
      const earliest = Math.max(utc, Date.parse(schedule.install_after ?? "1970-01-01T00:00:00Z"));
      expect(isOpen(schedule, found)).toBe(true);
      if (found === earliest) return;
      expect(found).toBeGreaterThan(earliest);
      expect(found - earliest).toBeLessThan(DAY);
      // Closed at the start, and until the moment before: there is one window a day.
      expect([isOpen(schedule, earliest), isOpen(schedule, found - 1)]).toEqual([false, false]);
    }),
  );
});

test("is the same from any moment until then, and never earlier from a later one", () => {
  fc.assert(
    fc.property(anySchedule, anyTime, fc.integer({ min: 0, max: 2 * DAY }), (schedule, utc, step) => {
      const found = nextInstallTime(schedule, utc);
      const later = nextInstallTime(schedule, utc + step);
      if (utc + step <= found) expect(later).toBe(found);
      else expect(later).toBeGreaterThanOrEqual(utc + step);
    }),
  );
});

test.for([
  ["a window that is open", { start_minute: 719, minutes: 2 }, NOON],
  ["its first instant", { start_minute: 720, minutes: 1 }, NOON],
  ["its end, which is closed", { start_minute: 719, minutes: 1 }, NOON + DAY - MINUTE],
  ["a window that spans midnight", { start_minute: 1430, minutes: 731 }, NOON],
  ["a clock ahead of UTC", { start_minute: 780, minutes: 1, offset_minutes: 60 }, NOON],
  ["a clock behind UTC", { start_minute: 30, minutes: 1, offset_minutes: -690 }, NOON],
  ["a window of the whole day", { start_minute: 5, minutes: 1440 }, NOON],
] as const)("knows %s", ([, between, expected]) => {
  expect(nextInstallTime({ between }, NOON)).toBe(expected);
});

test("compares install_after to the second, and counts a day that its month lacks into the next one", () => {
  expect(nextInstallTime({ install_after: "2026-03-01T12:00:00.999Z" }, NOON)).toBe(NOON);
  expect(nextInstallTime({ install_after: "2026-02-29T12:00:01Z" }, NOON)).toBe(NOON + 1_000);
  expect(nextInstallTime({ install_after: "0000-01-01T00:00:00Z" }, NOON)).toBe(NOON);
});
