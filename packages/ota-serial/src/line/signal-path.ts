import type { Signals } from "./serial-line.ts";

/** State of the control lines after most systems open a port. */
export const SIGNALS_WHEN_OPENED: Signals = { dtr: true, rts: true };

/**
 * Returns the states that lead from one pair of signals to another with one line changed at a time.
 *
 * RTS alone holds the board in reset. So a change between "both asserted" and "both released" passes through DTR alone,
 * and a change from one line to the other passes through "both asserted".
 *
 * @returns The states to set in order; the last one is `after`. Empty if nothing changes.
 */
export function signalPath(before: Signals, after: Signals): readonly Signals[] {
  if (before.dtr === after.dtr && before.rts === after.rts) return [];
  if (before.dtr === after.dtr || before.rts === after.rts) return [after];
  const isToNeutral = after.dtr === after.rts;
  return [{ dtr: true, rts: !isToNeutral }, after];
}
