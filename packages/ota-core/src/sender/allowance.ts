/** Number of requests that bring nothing new, and of reports, that a publisher takes from a device in a minute. */
export const REQUESTS_PER_MINUTE = 60;
export const REPORTS_PER_MINUTE = 240;

/** What is left of a budget per minute. */
export interface Allowance {
  left: number;
  at: number;
}

/**
 * Takes one message from a budget, which refills evenly.
 *
 * @param perMinute - Number of messages per minute, also at once after a pause.
 * @returns `false` if nothing is left.
 */
export function spendAllowance(allowance: Allowance, perMinute: number, now: number): boolean {
  const refilled = allowance.left + (Math.max(0, now - allowance.at) * perMinute) / 60_000;
  allowance.left = Math.min(perMinute, refilled);
  allowance.at = now;
  if (allowance.left < 1) return false;
  allowance.left--;
  return true;
}
