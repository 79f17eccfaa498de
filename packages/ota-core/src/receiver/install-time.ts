import type { OfferDocument } from "../messages/offer.ts";
import { utcOfTime } from "../signing/time-floor.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;

/** When an offer lets devices restart into its image. */
export type InstallSchedule = Pick<OfferDocument, "install_after" | "between">;

/**
 * Returns the first time at which devices may restart into an image.
 *
 * @param utc - The time from which to look, in milliseconds since 1970.
 * @returns `utc` itself if they may restart then.
 */
export function nextInstallTime({ install_after: after, between }: InstallSchedule, utc: number): number {
  const from = after === undefined ? utc : Math.max(utc, utcOfTime(after));
  if (between === undefined) return from;
  const { start_minute: start, minutes, offset_minutes: offset = 0 } = between;
  const sinceOpening = (((from + (offset - start) * MINUTE_MS) % DAY_MS) + DAY_MS) % DAY_MS;
  return sinceOpening < minutes * MINUTE_MS ? from : from + DAY_MS - sinceOpening;
}
