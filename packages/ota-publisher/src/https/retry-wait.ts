/** How often a delivery is tried, the first one included. */
export const ATTEMPTS_MAX = 6;

/** The first wait between two attempts, and the longest, in milliseconds, before a random part is taken off. */
const BACKOFF_MS = { first: 500, longest: 15_000 };

/**
 * How long to wait after an attempt that failed: each time twice as long, and less a random part of up to half, so that
 * senders which one fault stopped together do not come back together.
 *
 * @param attempt - Number of attempts made, from 1.
 * @param random - From 0 to below 1.
 * @returns Milliseconds.
 */
export function backoffDelayMs(attempt: number, random: number): number {
  const full = Math.min(BACKOFF_MS.longest, BACKOFF_MS.first * 2 ** (attempt - 1));
  return Math.round(full * (1 - random / 2));
}

/**
 * How long a server asks to be left alone: `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3).
 *
 * @param value - The header's value.
 * @param epochMs - Milliseconds since 1970 now.
 * @returns Milliseconds, 0 for a date that has passed; `undefined` where there is no such header or it can't be read.
 */
export function retryAfterMs(value: string | undefined, epochMs: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000;
  if (!HTTP_DATE.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - epochMs);
}

/** IMF-fixdate, the one form of RFC 9110 section 5.6.7 that is still sent. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
