import type { AppDescriptor } from "../image/app-descriptor.ts";

const MONTHS: readonly string[] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Maximum offset of a local time from UTC, in milliseconds: UTC+14. */
const ZONE_LEAD_MS_MAX = 14 * 3_600_000;

/**
 * Returns the earliest time at which an app can have been built. Its descriptor states a local time without its time
 * zone.
 *
 * @returns ISO 8601 in UTC to the second, or `undefined` if the descriptor states no time, as in reproducible builds.
 */
export function earliestBuildTime({ date, time }: Pick<AppDescriptor, "date" | "time">): string | undefined {
  const [, monthName = "", day, year] = /^([A-Z][a-z]{2}) ([ 0-3][0-9]) ([0-9]{4})$/.exec(date) ?? [];
  const [, hour, minute, second] = /^([0-2][0-9]):([0-5][0-9]):([0-5][0-9])$/.exec(time) ?? [];
  const month = MONTHS.indexOf(monthName);
  if (month === -1 || hour === undefined) return undefined;
  const local = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second));
  return timeOfUtc(local - ZONE_LEAD_MS_MAX);
}

/**
 * Returns a time as ISO 8601 in UTC to the second.
 *
 * @param utc - Milliseconds since 1970, up to the year 9999.
 */
export function timeOfUtc(utc: number): string {
  return `${new Date(utc).toISOString().slice(0, 19)}Z`;
}

/**
 * Returns the milliseconds since 1970 of a time, to the second. A day that its month lacks counts into the next month.
 *
 * @param time - ISO 8601 in UTC, as in the protocol's schemas.
 */
export function utcOfTime(time: string): number {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = time.slice(0, 19).split(/[-T:]/).map(Number);
  return new Date(0).setUTCFullYear(year, month - 1, day) + ((hour * 60 + minute) * 60 + second) * 1_000;
}

/**
 * Returns `true` if a time is earlier than another, compared to the second: some writers leave out fractions.
 *
 * @param left - ISO 8601 in UTC, as in the protocol's schemas.
 * @param right - ISO 8601 in UTC.
 */
export function isEarlier(left: string, right: string): boolean {
  return left.slice(0, 19) < right.slice(0, 19);
}

/** Returns the latest of some times, or `undefined` if all are undefined. */
export function latestTime(times: readonly (string | undefined)[]): string | undefined {
  let latest: string | undefined;
  for (const time of times) {
    if (time !== undefined && (latest === undefined || isEarlier(latest, time))) latest = time;
  }
  return latest;
}
