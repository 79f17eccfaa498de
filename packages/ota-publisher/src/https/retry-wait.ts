/** Largest number of attempts, including the first. */
export const ATTEMPTS_MAX = 6;

/** First and longest wait between attempts, in milliseconds, before a random part is subtracted. */
const BACKOFF_MS = { first: 500, longest: 15_000 };

/**
 * Returns the wait after a failed attempt. It doubles each time. A random part of up to half is subtracted, so that
 * senders that failed together do not retry together.
 *
 * @param attempt - Number of attempts so far, from 1.
 * @param random - Random number from 0 to below 1.
 * @returns Wait in milliseconds.
 */
export function backoffDelayMs(attempt: number, random: number): number {
  const full = Math.min(BACKOFF_MS.longest, BACKOFF_MS.first * 2 ** (attempt - 1));
  return Math.round(full * (1 - random / 2));
}

/**
 * Parses `Retry-After`, in seconds or as a date (RFC 9110 section 10.2.3).
 *
 * @param value - Value of the header.
 * @param epochMs - Current time in milliseconds since 1970.
 * @returns Wait in milliseconds, 0 for a date in the past; `undefined` if the header is absent or invalid.
 */
export function retryAfterMs(value: string | undefined, epochMs: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000;
  if (!HTTP_DATE.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - epochMs);
}

/** IMF-fixdate, the only date format of RFC 9110 section 5.6.7 that is still in use. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
