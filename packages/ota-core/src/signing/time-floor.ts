import type { AppDescriptor } from "../image/app-descriptor.ts";

const MONTHS: readonly string[] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The largest lead of a local time over UTC, in milliseconds: UTC+14. */
const ZONE_LEAD_MS_MAX = 14 * 3_600_000;

/**
 * The earliest time at which an app can have been built. Its descriptor says when by the clock of whoever built it, in a
 * time zone that it doesn't say.
 *
 * @returns ISO 8601 in UTC to the second, or `undefined` where the descriptor says nothing, as reproducible builds do.
 */
export function earliestBuildTime({ date, time }: Pick<AppDescriptor, "date" | "time">): string | undefined {
  const [, monthName = "", day, year] = /^([A-Z][a-z]{2}) ([ 0-3][0-9]) ([0-9]{4})$/.exec(date) ?? [];
  const [, hour, minute, second] = /^([0-2][0-9]):([0-5][0-9]):([0-5][0-9])$/.exec(time) ?? [];
  const month = MONTHS.indexOf(monthName);
  if (month === -1 || hour === undefined) return undefined;
  const local = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second));
  return `${new Date(local - ZONE_LEAD_MS_MAX).toISOString().slice(0, 19)}Z`;
}

/**
 * Whether a time is before another, to the second: fractions are written by some and left out by others.
 *
 * @param left - ISO 8601 in UTC, as the protocol's schemas have it. So is `right`.
 */
export function isEarlier(left: string, right: string): boolean {
  return left.slice(0, 19) < right.slice(0, 19);
}

/** The latest of some times; `undefined` where there is none. */
export function latestTime(times: readonly (string | undefined)[]): string | undefined {
  let latest: string | undefined;
  for (const time of times) {
    if (time !== undefined && (latest === undefined || isEarlier(latest, time))) latest = time;
  }
  return latest;
}
